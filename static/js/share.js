// Gives the address of a room on: by what the device has for that, else by the clipboard, else selected, one key away.

const box = document.querySelector("[data-share]");
const opener = document.querySelector("[data-open-share]");
const dialog = document.getElementById("share");
const field = box?.querySelector("input");
const said = box?.querySelector("[data-shared]");

async function copyAddress() {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    said.textContent = "The link is copied.";
  } catch {
    field.focus(); // a page that is not secure may not
    field.select();
    said.textContent = "The link is selected: copy it.";
  }
}

async function sendAddress() {
  if (!navigator.share) return copyAddress();
  try {
    await navigator.share({ title: document.title, url: field.value });
  } catch (error) {
    if (error.name !== "AbortError") await copyAddress(); // somebody has changed their mind
  }
}

// The code is asked for when somebody wants to see it.
function showCode() {
  const place = box.querySelector("[data-code]");
  if (place.firstElementChild) return;
  place.append(Object.assign(new Image(200, 200), { src: place.dataset.code, alt: "QR code of this address" }));
}

function openDialog(event) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return; // the page, in a tab of its own
  event.preventDefault();
  said.textContent = "";
  showCode();
  dialog.showModal();
  sendAddress();
}

if (box) {
  const copying = box.querySelector("[data-copy-address]");
  const sending = box.querySelector("[data-send-address]");
  copying.hidden = false;
  sending.hidden = !navigator.share;
  copying.addEventListener("click", copyAddress);
  sending.addEventListener("click", sendAddress);
  if (dialog) opener?.addEventListener("click", openDialog);
}
