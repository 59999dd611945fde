// A page of older messages that is only looked at: with the reader's times and days.
import "./list/local-times.js";
import "./list/day-separators.js";
import "./list/group-messages.js";
import { start } from "./list/messages.js";

start();
