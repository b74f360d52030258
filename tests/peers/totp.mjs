// Makes the code that an authenticator app would show at a moment. Usage: node totp.mjs <unix time in
// milliseconds>, with the otpauth URI on standard input.
import { text } from "node:stream/consumers";
import { URI } from "otpauth";

const [timestamp] = process.argv.slice(2);
const totp = URI.parse((await text(process.stdin)).trim());
console.log(
  JSON.stringify({
    code: totp.generate({ timestamp: Number(timestamp) }),
    issuer: totp.issuer,
    label: totp.label,
    algorithm: totp.algorithm,
    digits: totp.digits,
    period: totp.period,
  }),
);
