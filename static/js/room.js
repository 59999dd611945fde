// A room's page. Each behaviour is a file named for what it does; the order is that in which they see new messages.
import "./newest-version.js";
import "./deletions.js";
import "./local-times.js";
import "./day-separators.js";
import "./group-messages.js";
import "./own-messages.js";
import "./identity.js";
import "./outbox.js";
import "./composer.js";
import "./message-toolbar.js";
import "./edit-last.js";
import "./load-older.js";
import "./trim-history.js";
import "./keep-scroll.js";
import "./copy-conversation.js";
import "./unread.js";
import "./message-links.js";
import "./read-aloud.js";
import "./mark-refused.js";
import "./focus-on-arrival.js";
import "./share.js";
import "./live.js";
import { start } from "./messages.js";

start();
