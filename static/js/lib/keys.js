// What a key is for.

// Whether it belongs to an input method: Safari ends a composition before it tells of the key that ended it.
export const isComposingKey = (event) => event.isComposing || event.keyCode === 229;

export const isPlainKey = (event) => !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey);
