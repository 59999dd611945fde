// A room in a frame.
import "./room.js";
