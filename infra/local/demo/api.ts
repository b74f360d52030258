/**
 * A client of Latchkey for browsers, to copy into a front end.
 *
 * The access token is in memory alone; the refresh token is in a cookie that no script can read.
 * Both are renewed without anybody's doing: a call that is refused for its access token is made
 * once more with a new one, and a call that wants a recent proof of who it is asks for that.
 */
import {
  browserSupportsWebAuthnAutofill,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";

/** Where the service is. On another origin than the page, that one must be in `ALLOWED_ORIGINS`. */
const BASE = "/api/auth";

export type Method = "totp" | "email" | "sms";
export type User = { id: string; name: string; email: string };
export type Session = { id: string; current: boolean; device: string | null; ip: string | null; lastUsedAt: string };
export type Passkey = { id: string; name: string; createdAt: string; lastUsedAt: string | null };
export type Challenge = { tokenId: string; sentTo: string; expiresAt: string };
export type SignedIn = { status: "signed_in"; accessToken: string; session: Session; user: User };
/** A second factor is wanted: the `token` opens the second step, for five minutes. */
export type MfaRequired = { status: "mfa_required"; token: string; methods: Method[]; challenge?: Challenge };
export type Mfa = { methods: Method[]; available: Method[]; recoveryCodesLeft: number };
/** The beginning of a factor: an app's secret, or a code that is on its way. */
export type NewFactor = { token: string; secret?: string; qrSvg?: string; sentTo?: string };
export type Proof = { password: string } | { code: string } | { passkey: AuthenticationResponseJSON };

/** An answer that says no (RFC 9457). Rely on `code`, show the message and `errors`. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly errors: { field: string; message: string }[] = [],
  ) {
    super(detail);
  }
}

let accessToken: string | undefined;
let refreshing: Promise<boolean> | undefined;
let askProof = async (_complaint?: string): Promise<Proof | undefined> => undefined;

/** Says how a user is asked to prove once more that it is them; nothing means that they won't. */
export function onStepUp(ask: typeof askProof): void {
  askProof = ask;
}

/** One request, as it is. */
async function send<T>(method: string, path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = {};
  if (body) headers["content-type"] = "application/json";
  if (accessToken) headers["authorization"] = `Bearer ${accessToken}`;
  const response = await fetch(BASE + path, {
    method,
    headers,
    body: body ? JSON.stringify(body) : null,
    credentials: "include",
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(response.status, answer.code ?? "unknown", answer.detail ?? response.statusText, answer.errors);
}

function failed(error: unknown, code: string): boolean {
  return error instanceof Problem && error.code === code;
}

/** A request, and once more with a new access token if that one has run out. */
async function refreshed<T>(method: string, path: string, body?: object): Promise<T> {
  try {
    return await send<T>(method, path, body);
  } catch (error) {
    if (!failed(error, "unauthenticated") || !(await refresh())) throw error;
    return send<T>(method, path, body);
  }
}

/** A request of somebody who is signed in, and once more if they first have to prove who they are. */
async function call<T>(method: string, path: string, body?: object): Promise<T> {
  try {
    return await refreshed<T>(method, path, body);
  } catch (error) {
    if (!failed(error, "step_up_required") || !(await stepUp())) throw error;
    return refreshed<T>(method, path, body);
  }
}

/** Has the user prove who they are, as often as it takes or until they give up. */
async function stepUp(): Promise<boolean> {
  let complaint: string | undefined;
  for (;;) {
    const proof = await askProof(complaint);
    if (!proof) return false;
    try {
      enter(await refreshed<SignedIn>("POST", "/step-up", proof));
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || error.code === "unauthenticated") throw error;
      complaint = error.message;
    }
  }
}

function enter<T extends SignedIn | MfaRequired>(answer: T): T {
  if (answer.status === "signed_in") accessToken = answer.accessToken;
  return answer;
}

/** A new access token by the cookie; false where there is no session, or no longer. */
export function refresh(): Promise<boolean> {
  // Whoever asks meanwhile gets the same answer: a refresh token works once.
  refreshing ??= send<SignedIn>("PATCH", "/user/refresh")
    .then((answer) => Boolean(enter(answer)))
    .catch((error) => {
      // Without an answer, or with one that is about the service, the session may be as it was.
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      accessToken = undefined;
      return false;
    })
    .finally(() => (refreshing = undefined));
  return refreshing;
}

export const signUp = (form: { name: string; email: string; password: string }) =>
  send<{ userId: string; verification: Challenge }>("POST", "/sign-up", form);

export const verifyEmail = (form: { code: string; userId: string; tokenId: string; email: string }) =>
  send<{ user: User }>("POST", "/verify/email", form);

/** The first step of a sign-in, which is all where there is no second factor. */
export const signIn = async (form: { identifier: string; password: string }) =>
  enter(await send<SignedIn | MfaRequired>("POST", "/sign-in", form));

/** The second step: with a code, or with a method alone to be sent one. */
export const secondStep = async (form: { token: string; code?: string; method?: Method; trustDevice?: boolean }) =>
  enter(await send<SignedIn | MfaRequired>("POST", "/sign-in", form));

/** Ends the wait for a passkey, if there is one. */
export const stopAutofill = () => WebAuthnAbortService.cancelCeremony();

/**
 * Sign-in with a passkey. With `autofill` it waits until the user picks one in a field with
 * `autocomplete="username webauthn"`; where the browser can't do that it gives nothing. The wait
 * ends with any other call for a passkey. Its options are good for five minutes: begin again before.
 */
export async function signInWithPasskey(autofill = false): Promise<SignedIn | undefined> {
  if (autofill && !(await browserSupportsWebAuthnAutofill())) return undefined;
  const optionsJSON = await send<PublicKeyCredentialRequestOptionsJSON>("POST", "/sign-in/passkey/options");
  const passkey = await startAuthentication({ optionsJSON, useBrowserAutofill: autofill });
  return enter(await send<SignedIn>("POST", "/sign-in/passkey/verify", passkey));
}

/** A proof for `onStepUp`. */
export async function proveByPasskey(): Promise<Proof> {
  const optionsJSON = await refreshed<PublicKeyCredentialRequestOptionsJSON>("POST", "/step-up/passkey/options");
  return { passkey: await startAuthentication({ optionsJSON }) };
}

export async function addPasskey(): Promise<Passkey> {
  const optionsJSON = await call<PublicKeyCredentialCreationOptionsJSON>("POST", "/passkeys/register/options");
  const made = await startRegistration({ optionsJSON });
  return (await call<{ passkey: Passkey }>("POST", "/passkeys/register/verify", made)).passkey;
}

export const passkeys = async () => (await call<{ passkeys: Passkey[] }>("GET", "/passkeys")).passkeys;
export const removePasskey = (id: string) => call("DELETE", `/passkeys/${id}`);

export const me = () => call<{ user: User; session: Session }>("GET", "/user/me");
export const sessions = async () => (await call<{ sessions: Session[] }>("GET", "/sessions")).sessions;
export const endSession = (id: string) => call("DELETE", `/sessions/${id}`);

export const mfa = () => call<Mfa>("GET", "/mfa");
export const beginFactor = (method: Method) => call<NewFactor>("POST", "/enable/mfa", { method });
/** Shows that the factor works. With the first one come recovery codes, shown this once. */
export const finishFactor = (form: { token: string; code: string }) =>
  call<{ recoveryCodes: string[] }>("POST", "/enable/mfa", form);
/** Sends a code to end second factors with; its token goes to `disableMfa`. */
export const askFactorCode = (method: Method) => call<NewFactor>("POST", "/disable/mfa", { method });
export const disableMfa = (form: { code: string; token?: string }) => call("POST", "/disable/mfa", form);

export async function signOut(): Promise<void> {
  await call("DELETE", "/user/logout");
  accessToken = undefined;
}
