// Where there is a keyboard one can write at once. Not where the focus would open one on the screen, where it belongs to
// the page around, or where the address leads to a message; and never if it is somewhere already.

const field = document.getElementById("text");
const onScreen = matchMedia("(hover: none) and (pointer: coarse)");
const leadsElsewhere = () => location.hash !== "" || new URLSearchParams(location.search).has("message");

if (window.parent === window && !onScreen.matches && !leadsElsewhere() && document.activeElement === document.body) {
  field.focus({ preventScroll: true });
}
