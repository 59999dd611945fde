// A room in a frame of another site's page: all that a room's page has, and what the page around it wants.
import "./theme.js";
import "./identity.js";
import "./signed-in.js";
import "./room.js";
import "./tell-host.js";
import { greetHost } from "./host.js";

greetHost();
