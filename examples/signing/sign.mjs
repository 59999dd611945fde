// Say who somebody is in a room, as the server of the site that shows it. Node 18 or newer, and nothing else.
//
//     QUART_CHAT_KEY_ID=... QUART_CHAT_KEY=... node sign.mjs ROOM SUBJECT NAME [AVATAR [ROLE]]

import { createHmac, randomBytes, sign as signWith } from "node:crypto";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Seconds. Short: the page fetches the next token by itself. The chat takes an hour at most.
const LIFETIME = 300;

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// A token for somebody who is signed in on your site. `subject` is what never changes about them, such as the number of
// their account, as a string; call this for whoever has the session, and never for what a request says.
export function sign(keyId, key, { room, subject, name, avatar, role }) {
  const ed25519 = key.startsWith("-----BEGIN ");
  const header = { alg: ed25519 ? "EdDSA" : "HS256", kid: keyId, typ: "JWT" };
  const exp = Math.floor(Date.now() / 1000) + LIFETIME;
  const claims = { room, sub: String(subject), name, exp, jti: randomBytes(16).toString("base64url") };
  if (avatar) claims.avatar = avatar;
  if (role) claims.role = role;
  const signed = `${encoded(header)}.${encoded(claims)}`;
  const signature = ed25519
    ? signWith(null, Buffer.from(signed), key)
    : createHmac("sha256", key).update(signed).digest();
  return `${signed}.${signature.toString("base64url")}`;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [room, subject, name, avatar, role] = process.argv.slice(2);
  if (!name) {
    console.error("node sign.mjs ROOM SUBJECT NAME [AVATAR [ROLE]]");
    process.exit(1);
  }
  const { QUART_CHAT_KEY_ID: keyId, QUART_CHAT_KEY: key } = process.env;
  console.log(sign(keyId, key, { room, subject, name, avatar, role }));
}
