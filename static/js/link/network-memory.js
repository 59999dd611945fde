// What was found out about this network, for the next page of this session.
const KEY = "quart-chat:way";

export function recallWay() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null; // storage is denied
  }
}

export function rememberWay(way) {
  try { sessionStorage.setItem(KEY, JSON.stringify(way)); } catch { /* as above */ }
}

export function forgetWay() {
  try { sessionStorage.removeItem(KEY); } catch { /* as above */ }
}
