<?php
// Say who somebody is in a room, as the server of the site that shows it. PHP 8, and for EdDSA its sodium extension.
//
//     QUART_CHAT_KEY_ID=... QUART_CHAT_KEY=... php sign.php ROOM SUBJECT NAME [AVATAR [ROLE]]

declare(strict_types=1);

namespace QuartChat;

// Seconds. Short: the page fetches the next token by itself. The chat takes an hour at most.
const LIFETIME = 300;

// A token for somebody who is signed in on your site. $subject is what never changes about them, such as the number of
// their account; call this for whoever has the session, and never for what a request says.
function sign(
    string $keyId,
    #[\SensitiveParameter] string $key,
    string $room,
    string $subject,
    string $name,
    ?string $avatar = null,
    ?string $role = null,
): string {
    $ed25519 = str_starts_with($key, '-----BEGIN ');
    $header = ['alg' => $ed25519 ? 'EdDSA' : 'HS256', 'kid' => $keyId, 'typ' => 'JWT'];
    $claims = ['room' => $room, 'sub' => $subject, 'name' => $name, 'exp' => time() + LIFETIME,
        'jti' => base64url(random_bytes(16))];
    if ($avatar) {
        $claims['avatar'] = $avatar;
    }
    if ($role) {
        $claims['role'] = $role;
    }
    $signed = base64url(json_encode($header, JSON_THROW_ON_ERROR))
        . '.' . base64url(json_encode($claims, JSON_THROW_ON_ERROR));
    $signature = $ed25519
        ? sodium_crypto_sign_detached($signed, ed25519_secret($key))
        : hash_hmac('sha256', $signed, $key, true);
    return $signed . '.' . base64url($signature);
}

// The last 32 bytes of such a PEM are the seed of the key (https://www.rfc-editor.org/rfc/rfc8410#section-7).
function ed25519_secret(#[\SensitiveParameter] string $pem): string
{
    $der = base64_decode(preg_replace('/-----[A-Z ]+-----|\s/', '', $pem), true);
    return sodium_crypto_sign_secretkey(sodium_crypto_sign_seed_keypair(substr($der, -SODIUM_CRYPTO_SIGN_SEEDBYTES)));
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    if ($argc < 4 || $argc > 6) {
        fwrite(STDERR, "php sign.php ROOM SUBJECT NAME [AVATAR [ROLE]]\n");
        exit(1);
    }
    echo sign(getenv('QUART_CHAT_KEY_ID'), getenv('QUART_CHAT_KEY'), ...array_slice($argv, 1)), "\n";
}
