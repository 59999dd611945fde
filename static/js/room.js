// A room's page. Each behaviour is a file named for what it does; what needs another one's work says so where it listens.
import "./list/newest-version.js";
import "./list/deletions.js";
import "./list/people.js";
import "./list/local-times.js";
import "./list/day-separators.js";
import "./list/group-messages.js";
import "./list/own-messages.js";
import "./write/identity.js";
import "./write/outbox.js";
import "./write/composer.js";
import "./write/rename.js";
import "./write/delete-message.js";
import "./write/remove-person.js";
import "./write/edit-last.js";
import "./list/load-older.js";
import "./list/trim-history.js";
import "./list/keep-scroll.js";
import "./list/copy-conversation.js";
import "./list/unread.js";
import "./list/message-links.js";
import "./list/read-aloud.js";
import "./write/mark-refused.js";
import "./write/focus-on-arrival.js";
import "./share.js";
import "./link/live.js";
import { start } from "./list/messages.js";

start();
