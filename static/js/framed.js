// A room in a frame of another site's page: all that a room's page has, and what the page around it wants.
import "./frame/theme.js";
import "./write/identity.js";
import "./frame/signed-in.js";
import "./room.js";
import "./frame/tell-host.js";
import { greetHost } from "./frame/host.js";

greetHost();
