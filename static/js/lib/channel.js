// One kind of news, and who hears it. Where one listener needs what another does, they hear in phases: the order of these is
// told here, and not by which file is imported first.

// Gives `on(listener, phase)`, and `tell(...news)`. A phase MUST be one of these.
export function channel(...phases) {
  const heard = new Map((phases.length ? phases : [undefined]).map((phase) => [phase, []]));
  const on = (listener, phase) => { heard.get(phase).push(listener); };
  const tell = (...news) => { for (const listeners of heard.values()) for (const listener of listeners) listener(...news); };
  return [on, tell];
}
