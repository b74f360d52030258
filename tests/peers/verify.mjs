// Checks the access token on standard input as any service behind Latchkey would, and prints its
// claims. Usage: node verify.mjs <JWKS URL> <issuer> <audience>
import { text } from "node:stream/consumers";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [jwks, issuer, audience] = process.argv.slice(2);
const token = await text(process.stdin);
const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwks)), {
  issuer,
  audience,
  typ: "at+jwt",
  algorithms: ["ES256"],
});
console.log(JSON.stringify(payload));
