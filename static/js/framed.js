// A room in a frame.
import "./identity.js";
import "./room.js";
