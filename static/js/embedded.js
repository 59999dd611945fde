// A room in another site's page: all that a room's page has, and what the page around it wants.
import "./embed/theme.js";
import "./write/identity.js";
import "./embed/signed-in.js";
import "./room.js";
import "./embed/tell-host.js";
import { greetHost } from "./embed/host.js";

greetHost();
