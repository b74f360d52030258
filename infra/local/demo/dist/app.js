// Built by npm run build. Holds @simplewebauthn/browser, whose licence is beside this file.

// node_modules/@simplewebauthn/browser/esm/helpers/bufferToBase64URLString.js
function bufferToBase64URLString(buffer) {
  const bytes = new Uint8Array(buffer);
  let str = "";
  for (const charCode of bytes) {
    str += String.fromCharCode(charCode);
  }
  const base64String = btoa(str);
  return base64String.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

// node_modules/@simplewebauthn/browser/esm/helpers/base64URLStringToBuffer.js
function base64URLStringToBuffer(base64URLString) {
  const base64 = base64URLString.replace(/-/g, "+").replace(/_/g, "/");
  const padLength = (4 - base64.length % 4) % 4;
  const padded = base64.padEnd(base64.length + padLength, "=");
  const binary = atob(padded);
  const buffer = new ArrayBuffer(binary.length);
  const bytes = new Uint8Array(buffer);
  for (let i = 0; i < binary.length; i++) {
    bytes[i] = binary.charCodeAt(i);
  }
  return buffer;
}

// node_modules/@simplewebauthn/browser/esm/helpers/browserSupportsWebAuthn.js
function browserSupportsWebAuthn() {
  return _browserSupportsWebAuthnInternals.stubThis(globalThis?.PublicKeyCredential !== void 0 && typeof globalThis.PublicKeyCredential === "function");
}
var _browserSupportsWebAuthnInternals = {
  stubThis: (value) => value
};

// node_modules/@simplewebauthn/browser/esm/helpers/toPublicKeyCredentialDescriptor.js
function toPublicKeyCredentialDescriptor(descriptor) {
  const { id } = descriptor;
  return {
    ...descriptor,
    id: base64URLStringToBuffer(id),
    transports: descriptor.transports,
    type: descriptor.type
  };
}

// node_modules/@simplewebauthn/browser/esm/helpers/isValidDomain.js
function isValidDomain(hostname) {
  return (
    // Consider localhost valid as well since it's okay wrt Secure Contexts
    hostname === "localhost" || // Support punycode (ACE) or ascii labels and domains
    /^((xn--[a-z0-9-]+|[a-z0-9]+(-[a-z0-9]+)*)\.)+([a-z]{2,}|xn--[a-z0-9-]+)$/i.test(hostname)
  );
}

// node_modules/@simplewebauthn/browser/esm/helpers/webAuthnError.js
var WebAuthnError = class extends Error {
  constructor({ message, code, cause, name }) {
    super(message, { cause });
    Object.defineProperty(this, "code", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
    this.name = name ?? cause.name;
    this.code = code;
  }
};

// node_modules/@simplewebauthn/browser/esm/helpers/identifyRegistrationError.js
function identifyRegistrationError({ error, options }) {
  const { publicKey } = options;
  if (!publicKey) {
    throw Error("options was missing required publicKey property");
  }
  if (error.name === "AbortError") {
    if (options.signal instanceof AbortSignal) {
      return new WebAuthnError({
        message: "Registration ceremony was sent an abort signal",
        code: "ERROR_CEREMONY_ABORTED",
        cause: error
      });
    }
  } else if (error.name === "ConstraintError") {
    if (publicKey.authenticatorSelection?.requireResidentKey === true) {
      return new WebAuthnError({
        message: "Discoverable credentials were required but no available authenticator supported it",
        code: "ERROR_AUTHENTICATOR_MISSING_DISCOVERABLE_CREDENTIAL_SUPPORT",
        cause: error
      });
    } else if (
      // @ts-ignore: `mediation` doesn't yet exist on CredentialCreationOptions but it's possible as of Sept 2024
      options.mediation === "conditional" && publicKey.authenticatorSelection?.userVerification === "required"
    ) {
      return new WebAuthnError({
        message: "User verification was required during automatic registration but it could not be performed",
        code: "ERROR_AUTO_REGISTER_USER_VERIFICATION_FAILURE",
        cause: error
      });
    } else if (publicKey.authenticatorSelection?.userVerification === "required") {
      return new WebAuthnError({
        message: "User verification was required but no available authenticator supported it",
        code: "ERROR_AUTHENTICATOR_MISSING_USER_VERIFICATION_SUPPORT",
        cause: error
      });
    }
  } else if (error.name === "InvalidStateError") {
    return new WebAuthnError({
      message: "The authenticator was previously registered",
      code: "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED",
      cause: error
    });
  } else if (error.name === "NotAllowedError") {
    return new WebAuthnError({
      message: error.message,
      code: "ERROR_PASSTHROUGH_SEE_CAUSE_PROPERTY",
      cause: error
    });
  } else if (error.name === "NotSupportedError") {
    const validPubKeyCredParams = publicKey.pubKeyCredParams.filter((param) => param.type === "public-key");
    if (validPubKeyCredParams.length === 0) {
      return new WebAuthnError({
        message: 'No entry in pubKeyCredParams was of type "public-key"',
        code: "ERROR_MALFORMED_PUBKEYCREDPARAMS",
        cause: error
      });
    }
    return new WebAuthnError({
      message: "No available authenticator supported any of the specified pubKeyCredParams algorithms",
      code: "ERROR_AUTHENTICATOR_NO_SUPPORTED_PUBKEYCREDPARAMS_ALG",
      cause: error
    });
  } else if (error.name === "SecurityError") {
    const effectiveDomain = globalThis.location.hostname;
    if (!isValidDomain(effectiveDomain)) {
      return new WebAuthnError({
        message: `${globalThis.location.hostname} is an invalid domain`,
        code: "ERROR_INVALID_DOMAIN",
        cause: error
      });
    } else if (publicKey.rp.id !== effectiveDomain) {
      return new WebAuthnError({
        message: `The RP ID "${publicKey.rp.id}" is invalid for this domain`,
        code: "ERROR_INVALID_RP_ID",
        cause: error
      });
    }
  } else if (error.name === "TypeError") {
    if (publicKey.user.id.byteLength < 1 || publicKey.user.id.byteLength > 64) {
      return new WebAuthnError({
        message: "User ID was not between 1 and 64 characters",
        code: "ERROR_INVALID_USER_ID_LENGTH",
        cause: error
      });
    }
  } else if (error.name === "UnknownError") {
    return new WebAuthnError({
      message: "The authenticator was unable to process the specified options, or could not create a new credential",
      code: "ERROR_AUTHENTICATOR_GENERAL_ERROR",
      cause: error
    });
  }
  return error;
}

// node_modules/@simplewebauthn/browser/esm/helpers/webAuthnAbortService.js
var BaseWebAuthnAbortService = class {
  constructor() {
    Object.defineProperty(this, "controller", {
      enumerable: true,
      configurable: true,
      writable: true,
      value: void 0
    });
  }
  createNewAbortSignal() {
    if (this.controller) {
      const abortError = new Error("Cancelling existing WebAuthn API call for new one");
      abortError.name = "AbortError";
      this.controller.abort(abortError);
    }
    const newController = new AbortController();
    this.controller = newController;
    return newController.signal;
  }
  cancelCeremony() {
    if (this.controller) {
      const abortError = new Error("Manually cancelling existing WebAuthn API call");
      abortError.name = "AbortError";
      this.controller.abort(abortError);
      this.controller = void 0;
    }
  }
};
var WebAuthnAbortService = new BaseWebAuthnAbortService();

// node_modules/@simplewebauthn/browser/esm/helpers/toAuthenticatorAttachment.js
var attachments = ["cross-platform", "platform"];
function toAuthenticatorAttachment(attachment) {
  if (!attachment) {
    return;
  }
  if (attachments.indexOf(attachment) < 0) {
    return;
  }
  return attachment;
}

// node_modules/@simplewebauthn/browser/esm/methods/startRegistration.js
async function startRegistration(options) {
  if (!options.optionsJSON && options.challenge) {
    console.warn("startRegistration() was not called correctly. It will try to continue with the provided options, but this call should be refactored to use the expected call structure instead. See https://simplewebauthn.dev/docs/packages/browser#typeerror-cannot-read-properties-of-undefined-reading-challenge for more information.");
    options = { optionsJSON: options };
  }
  const { optionsJSON, useAutoRegister = false } = options;
  if (!browserSupportsWebAuthn()) {
    throw new Error("WebAuthn is not supported in this browser");
  }
  const publicKey = {
    ...optionsJSON,
    challenge: base64URLStringToBuffer(optionsJSON.challenge),
    user: {
      ...optionsJSON.user,
      id: base64URLStringToBuffer(optionsJSON.user.id)
    },
    excludeCredentials: optionsJSON.excludeCredentials?.map(toPublicKeyCredentialDescriptor)
  };
  const createOptions = {};
  if (useAutoRegister) {
    createOptions.mediation = "conditional";
  }
  createOptions.publicKey = publicKey;
  createOptions.signal = WebAuthnAbortService.createNewAbortSignal();
  let credential;
  try {
    credential = await navigator.credentials.create(
      // TODO: Newer versions of Deno require this casting, revisit once we're using Deno 2.6+
      createOptions
    );
  } catch (err) {
    throw identifyRegistrationError({ error: err, options: createOptions });
  }
  if (!credential) {
    throw new Error("Registration was not completed");
  }
  const { id, rawId, response, type } = credential;
  let transports = void 0;
  if (typeof response.getTransports === "function") {
    transports = response.getTransports();
  }
  let responsePublicKeyAlgorithm = void 0;
  if (typeof response.getPublicKeyAlgorithm === "function") {
    try {
      responsePublicKeyAlgorithm = response.getPublicKeyAlgorithm();
    } catch (error) {
      warnOnBrokenImplementation("getPublicKeyAlgorithm()", error);
    }
  }
  let responsePublicKey = void 0;
  if (typeof response.getPublicKey === "function") {
    try {
      const _publicKey = response.getPublicKey();
      if (_publicKey !== null) {
        responsePublicKey = bufferToBase64URLString(_publicKey);
      }
    } catch (error) {
      warnOnBrokenImplementation("getPublicKey()", error);
    }
  }
  let responseAuthenticatorData;
  if (typeof response.getAuthenticatorData === "function") {
    try {
      responseAuthenticatorData = bufferToBase64URLString(response.getAuthenticatorData());
    } catch (error) {
      warnOnBrokenImplementation("getAuthenticatorData()", error);
    }
  }
  return {
    id,
    rawId: bufferToBase64URLString(rawId),
    response: {
      attestationObject: bufferToBase64URLString(response.attestationObject),
      clientDataJSON: bufferToBase64URLString(response.clientDataJSON),
      transports,
      publicKeyAlgorithm: responsePublicKeyAlgorithm,
      publicKey: responsePublicKey,
      authenticatorData: responseAuthenticatorData
    },
    type,
    clientExtensionResults: credential.getClientExtensionResults(),
    authenticatorAttachment: toAuthenticatorAttachment(credential.authenticatorAttachment)
  };
}
function warnOnBrokenImplementation(methodName, cause) {
  console.warn(`The browser extension that intercepted this WebAuthn API call incorrectly implemented ${methodName}. You should report this error to them.
`, cause);
}

// node_modules/@simplewebauthn/browser/esm/helpers/browserSupportsWebAuthnAutofill.js
function browserSupportsWebAuthnAutofill() {
  if (!browserSupportsWebAuthn()) {
    return _browserSupportsWebAuthnAutofillInternals.stubThis(new Promise((resolve) => resolve(false)));
  }
  const globalPublicKeyCredential = globalThis.PublicKeyCredential;
  if (globalPublicKeyCredential?.isConditionalMediationAvailable === void 0) {
    return _browserSupportsWebAuthnAutofillInternals.stubThis(new Promise((resolve) => resolve(false)));
  }
  return _browserSupportsWebAuthnAutofillInternals.stubThis(globalPublicKeyCredential.isConditionalMediationAvailable());
}
var _browserSupportsWebAuthnAutofillInternals = {
  stubThis: (value) => value
};

// node_modules/@simplewebauthn/browser/esm/helpers/identifyAuthenticationError.js
function identifyAuthenticationError({ error, options }) {
  const { publicKey } = options;
  if (!publicKey) {
    throw Error("options was missing required publicKey property");
  }
  if (error.name === "AbortError") {
    if (options.signal instanceof AbortSignal) {
      return new WebAuthnError({
        message: "Authentication ceremony was sent an abort signal",
        code: "ERROR_CEREMONY_ABORTED",
        cause: error
      });
    }
  } else if (error.name === "NotAllowedError") {
    return new WebAuthnError({
      message: error.message,
      code: "ERROR_PASSTHROUGH_SEE_CAUSE_PROPERTY",
      cause: error
    });
  } else if (error.name === "SecurityError") {
    const effectiveDomain = globalThis.location.hostname;
    if (!isValidDomain(effectiveDomain)) {
      return new WebAuthnError({
        message: `${globalThis.location.hostname} is an invalid domain`,
        code: "ERROR_INVALID_DOMAIN",
        cause: error
      });
    } else if (publicKey.rpId !== effectiveDomain) {
      return new WebAuthnError({
        message: `The RP ID "${publicKey.rpId}" is invalid for this domain`,
        code: "ERROR_INVALID_RP_ID",
        cause: error
      });
    }
  } else if (error.name === "UnknownError") {
    return new WebAuthnError({
      message: "The authenticator was unable to process the specified options, or could not create a new assertion signature",
      code: "ERROR_AUTHENTICATOR_GENERAL_ERROR",
      cause: error
    });
  }
  return error;
}

// node_modules/@simplewebauthn/browser/esm/methods/startAuthentication.js
async function startAuthentication(options) {
  if (!options.optionsJSON && options.challenge) {
    console.warn("startAuthentication() was not called correctly. It will try to continue with the provided options, but this call should be refactored to use the expected call structure instead. See https://simplewebauthn.dev/docs/packages/browser#typeerror-cannot-read-properties-of-undefined-reading-challenge for more information.");
    options = { optionsJSON: options };
  }
  const { optionsJSON, useBrowserAutofill = false, verifyBrowserAutofillInput = true } = options;
  if (!browserSupportsWebAuthn()) {
    throw new Error("WebAuthn is not supported in this browser");
  }
  let allowCredentials;
  if (optionsJSON.allowCredentials?.length !== 0) {
    allowCredentials = optionsJSON.allowCredentials?.map(toPublicKeyCredentialDescriptor);
  }
  const publicKey = {
    ...optionsJSON,
    challenge: base64URLStringToBuffer(optionsJSON.challenge),
    allowCredentials
  };
  const getOptions = {};
  if (useBrowserAutofill) {
    if (!await browserSupportsWebAuthnAutofill()) {
      throw Error("Browser does not support WebAuthn autofill");
    }
    const eligibleInputs = document.querySelectorAll("input[autocomplete$='webauthn']");
    if (eligibleInputs.length < 1 && verifyBrowserAutofillInput) {
      throw Error('No <input> with "webauthn" as the only or last value in its `autocomplete` attribute was detected');
    }
    getOptions.mediation = "conditional";
    publicKey.allowCredentials = [];
  }
  getOptions.publicKey = publicKey;
  getOptions.signal = WebAuthnAbortService.createNewAbortSignal();
  let credential;
  try {
    credential = await navigator.credentials.get(
      // TODO: Newer versions of Deno require this casting, revisit once we're using Deno 2.6+
      getOptions
    );
  } catch (err) {
    throw identifyAuthenticationError({ error: err, options: getOptions });
  }
  if (!credential) {
    throw new Error("Authentication was not completed");
  }
  const { id, rawId, response, type } = credential;
  let userHandle = void 0;
  if (response.userHandle) {
    userHandle = bufferToBase64URLString(response.userHandle);
  }
  return {
    id,
    rawId: bufferToBase64URLString(rawId),
    response: {
      authenticatorData: bufferToBase64URLString(response.authenticatorData),
      clientDataJSON: bufferToBase64URLString(response.clientDataJSON),
      signature: bufferToBase64URLString(response.signature),
      userHandle
    },
    type,
    clientExtensionResults: credential.getClientExtensionResults(),
    authenticatorAttachment: toAuthenticatorAttachment(credential.authenticatorAttachment)
  };
}

// api.ts
var BASE = "/api/auth";
var Problem = class extends Error {
  constructor(status, code, detail, errors = []) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
  status;
  code;
  errors;
};
var accessToken;
var refreshing;
var askProof = async (_complaint) => void 0;
function onStepUp(ask) {
  askProof = ask;
}
async function send(method, path, body) {
  const headers = {};
  if (body) headers["content-type"] = "application/json";
  if (accessToken) headers["authorization"] = `Bearer ${accessToken}`;
  const response = await fetch(BASE + path, {
    method,
    headers,
    body: body ? JSON.stringify(body) : null,
    credentials: "include"
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(response.status, answer.code ?? "unknown", answer.detail ?? response.statusText, answer.errors);
}
function failed(error, code) {
  return error instanceof Problem && error.code === code;
}
async function refreshed(method, path, body) {
  try {
    return await send(method, path, body);
  } catch (error) {
    if (!failed(error, "unauthenticated") || !await refresh()) throw error;
    return send(method, path, body);
  }
}
async function call(method, path, body) {
  try {
    return await refreshed(method, path, body);
  } catch (error) {
    if (!failed(error, "step_up_required") || !await stepUp()) throw error;
    return refreshed(method, path, body);
  }
}
async function stepUp() {
  let complaint;
  for (; ; ) {
    const proof = await askProof(complaint);
    if (!proof) return false;
    try {
      enter(await refreshed("POST", "/step-up", proof));
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || error.code === "unauthenticated") throw error;
      complaint = error.message;
    }
  }
}
function enter(answer) {
  if (answer.status === "signed_in") accessToken = answer.accessToken;
  return answer;
}
function refresh() {
  refreshing ??= send("PATCH", "/user/refresh").then((answer) => Boolean(enter(answer))).catch((error) => {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    accessToken = void 0;
    return false;
  }).finally(() => refreshing = void 0);
  return refreshing;
}
var signUp = (form) => send("POST", "/sign-up", form);
var verifyEmail = (form) => send("POST", "/verify/email", form);
var signIn = async (form) => enter(await send("POST", "/sign-in", form));
var secondStep = async (form) => enter(await send("POST", "/sign-in", form));
var stopAutofill = () => WebAuthnAbortService.cancelCeremony();
async function signInWithPasskey(autofill2 = false) {
  if (autofill2 && !await browserSupportsWebAuthnAutofill()) return void 0;
  const optionsJSON = await send("POST", "/sign-in/passkey/options");
  const passkey = await startAuthentication({ optionsJSON, useBrowserAutofill: autofill2 });
  return enter(await send("POST", "/sign-in/passkey/verify", passkey));
}
async function proveByPasskey() {
  const optionsJSON = await refreshed("POST", "/step-up/passkey/options");
  return { passkey: await startAuthentication({ optionsJSON }) };
}
async function addPasskey() {
  const optionsJSON = await call("POST", "/passkeys/register/options");
  const made = await startRegistration({ optionsJSON });
  return (await call("POST", "/passkeys/register/verify", made)).passkey;
}
var passkeys = async () => (await call("GET", "/passkeys")).passkeys;
var removePasskey = (id) => call("DELETE", `/passkeys/${id}`);
var me = () => call("GET", "/user/me");
var sessions = async () => (await call("GET", "/sessions")).sessions;
var endSession = (id) => call("DELETE", `/sessions/${id}`);
var mfa = () => call("GET", "/mfa");
var beginFactor = (method) => call("POST", "/enable/mfa", { method });
var finishFactor = (form) => call("POST", "/enable/mfa", form);
var askFactorCode = (method) => call("POST", "/disable/mfa", { method });
var disableMfa = (form) => call("POST", "/disable/mfa", form);
async function signOut() {
  await call("DELETE", "/user/logout");
  accessToken = void 0;
}

// ui.ts
var AUTOFILL_AGAIN_MS = 4 * 6e4;
var VIEWS = ["signed-out", "verification", "second-step", "signed-in"];
var METHODS = { totp: "authenticator app", email: "code by email", sms: "code by SMS" };
var get = (id) => document.getElementById(id);
var names = (methods) => methods.map((method) => METHODS[method]).join(", ");
var date = (time) => time ? new Date(time).toLocaleString() : "never";
var again;
function show(view, notice = "") {
  const isNew = get(view).hidden;
  for (const id of VIEWS) get(id).hidden = id !== view;
  for (const form of document.querySelectorAll("form")) form.reset();
  get("notice").textContent = notice;
  clearInterval(again);
  if (isNew) get(view).querySelector("input, button")?.focus();
}
var problem = () => document.querySelector("dialog[open] [role=alert]") ?? get("problem");
function complain(error, form) {
  const name = error instanceof Error ? error.name : "";
  if (name === "AbortError") return;
  if (error instanceof Problem && error.code === "unauthenticated") return signedOut("Your session is over.");
  const rest = [];
  for (const { field, message } of error instanceof Problem ? error.errors : []) {
    const input = form?.elements.namedItem(field);
    if (!(input instanceof HTMLInputElement)) {
      rest.push(`${field}: ${message}`);
      continue;
    }
    const wrong = document.createElement("span");
    wrong.className = "wrong";
    wrong.id = `${form?.id}-${field}`;
    wrong.textContent = message;
    input.after(wrong);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", wrong.id);
  }
  const text = name === "NotAllowedError" ? "No passkey was chosen." : error instanceof Error ? error.message : error;
  problem().textContent = [text, ...rest].join(" ");
}
async function act(buttons, work, form) {
  problem().textContent = get("notice").textContent = "";
  form?.querySelectorAll(".wrong").forEach((wrong) => wrong.remove());
  form?.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    complain(error, form);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}
function onSubmit(id, work) {
  const form = get(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    void act(form.querySelectorAll("button"), () => work(fields), form);
  });
}
function onClick(button, work) {
  button.addEventListener("click", () => void act([button], work));
}
function newButton(text, work) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  onClick(button, work);
  return button;
}
function fill(list, rows) {
  const items = rows.map((row) => {
    const item = document.createElement("li");
    item.append(...row);
    return item;
  });
  get(list).replaceChildren(...items);
}
function signedOut(notice = "") {
  show("signed-out", notice);
  offerPasskeys();
}
function offerPasskeys() {
  void autofill();
  again = setInterval(autofill, AUTOFILL_AGAIN_MS);
}
async function autofill() {
  try {
    if (await signInWithPasskey(true)) await signedIn();
  } catch (error) {
    complain(error);
  }
}
async function entered(answer) {
  stopAutofill();
  if (answer.status === "signed_in") return signedIn();
  secondStep2(answer);
}
onSubmit("sign-in", async ({ identifier = "", password = "" }) => entered(await signIn({ identifier, password })));
onClick(get("passkey-sign-in"), async () => {
  clearInterval(again);
  try {
    await signInWithPasskey();
  } catch (error) {
    offerPasskeys();
    throw error;
  }
  await signedIn();
});
var pending;
onSubmit("sign-up", async ({ name = "", email = "", password = "" }) => {
  const { userId, verification } = await signUp({ name, email, password });
  pending = { userId, tokenId: verification.tokenId, email };
  show("verification");
  get("verification-to").textContent = verification.sentTo;
});
onSubmit("verify", async ({ code = "" }) => {
  await verifyEmail({ code, ...pending });
  signedOut("Your address is confirmed. Sign in.");
});
var step;
function secondStep2(answer) {
  step = answer;
  show("second-step", answer.challenge && `A code is on its way to ${answer.challenge.sentTo}.`);
  get("second-step-methods").textContent = `Your second factors: ${names(answer.methods)}.`;
  const messages = answer.methods.filter((method) => method !== "totp");
  const buttons = messages.map(
    (method) => newButton(`Send a ${METHODS[method]}`, async () => {
      const { token } = step;
      const sent = await secondStep({ token, method });
      if (sent.status === "mfa_required") secondStep2(sent);
    })
  );
  get("second-step-send").replaceChildren(...buttons);
}
onSubmit("second-factor", async ({ code = "", trustDevice }) => {
  const { token } = step;
  await entered(await secondStep({ token, code, trustDevice: trustDevice === "on" }));
});
for (const button of document.querySelectorAll(".back")) {
  onClick(button, async () => signedOut());
}
async function signedIn(notice = "") {
  const [{ user }, passkeys2, mfa2, sessions2] = await Promise.all([me(), passkeys(), mfa(), sessions()]);
  show("signed-in", notice);
  get("user-name").textContent = user.name;
  get("user-email").textContent = user.email;
  fill("passkeys", passkeys2.map((passkey) => [
    `${passkey.name}, last used: ${date(passkey.lastUsedAt)}`,
    newButton("Remove", async () => {
      await removePasskey(passkey.id);
      await signedIn(`Removed ${passkey.name}.`);
    })
  ]));
  fill("sessions", sessions2.map(({ id, current, device, ip, lastUsedAt }) => {
    const text = `${device ?? "Unknown device"}, ${ip ?? "unknown address"}, ${current ? "now" : date(lastUsedAt)}`;
    const end = newButton("End", async () => {
      await endSession(id);
      await signedIn("Ended the session.");
    });
    return current ? [text] : [text, end];
  }));
  showFactors(mfa2);
}
onClick(get("add-passkey"), async () => {
  const { name } = await addPasskey();
  await signedIn(`Added ${name}.`);
});
onClick(get("sign-out"), async () => {
  await signOut();
  signedOut("You are signed out.");
});
var factor;
var mailed;
function showFactors({ methods, available, recoveryCodesLeft }) {
  get("factors").textContent = methods.length ? `On: ${names(methods)}. Recovery codes left: ${recoveryCodesLeft}.` : "None: sign-in asks for the password alone.";
  const beginnings = available.map((method) => newButton(`Set up ${METHODS[method]}`, () => begin(method)));
  get("factors-available").replaceChildren(...beginnings);
  for (const id of ["enable", "recovery"]) get(id).hidden = true;
  get("disable").hidden = methods.length === 0;
  mailed = void 0;
  const messages = methods.filter((method) => method !== "totp");
  const buttons = messages.map(
    (method) => newButton(`Send a ${METHODS[method]}`, async () => {
      const { token, sentTo } = await askFactorCode(method);
      mailed = token;
      get("notice").textContent = `A code is on its way to ${sentTo}.`;
    })
  );
  get("disable-send").replaceChildren(...buttons);
}
async function begin(method) {
  factor = await beginFactor(method);
  get("enable").hidden = false;
  get("enable-app").hidden = !factor.qrSvg;
  get("enable-qr").src = `data:image/svg+xml,${encodeURIComponent(factor.qrSvg ?? "")}`;
  get("enable-secret").textContent = factor.secret ?? "";
  get("enable-sent").hidden = !factor.sentTo;
  get("enable-sent").textContent = `A code is on its way to ${factor.sentTo}.`;
  get("enable").querySelector("input")?.focus();
}
onSubmit("enable", async ({ code = "" }) => {
  const { recoveryCodes } = await finishFactor({ token: factor.token, code });
  await signedIn("The second factor is on.");
  get("recovery").hidden = recoveryCodes.length === 0;
  fill("recovery-codes", recoveryCodes.map((text) => [text]));
});
onSubmit("disable", async ({ code = "" }) => {
  await disableMfa(mailed ? { code, token: mailed } : { code });
  await signedIn("Second factors are off.");
});
onStepUp((complaint = "") => {
  const dialog = get("step-up");
  const form = get("step-up-form");
  form.reset();
  dialog.showModal();
  problem().textContent = complaint;
  return new Promise((resolve) => {
    const done = (proof) => {
      dialog.close();
      resolve(proof);
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      done({ password: String(new FormData(form).get("password")) });
    };
    const passkey = get("step-up-passkey");
    passkey.onclick = () => void act([passkey], async () => done(await proveByPasskey()));
    get("step-up-cancel").onclick = dialog.oncancel = () => done();
  });
});
void act([], async () => await refresh() ? signedIn() : signedOut());
