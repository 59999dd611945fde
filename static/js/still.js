// A page of older messages that is only looked at: with the reader's times and days.
import "./local-times.js";
import "./day-separators.js";
import "./group-messages.js";
import { start } from "./messages.js";

start();
