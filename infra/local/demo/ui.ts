/** The demo's page: what is shown, and which call each form and button makes. */
import * as api from "./api";
import { Problem } from "./api";

/** Options for a passkey are good for five minutes. */
const AUTOFILL_AGAIN_MS = 4 * 60_000;
const VIEWS = ["signed-out", "verification", "second-step", "signed-in"];
const METHODS: Record<api.Method, string> = { totp: "authenticator app", email: "code by email", sms: "code by SMS" };

type Form = Record<string, string>;

const get = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const names = (methods: api.Method[]) => methods.map((method) => METHODS[method]).join(", ");
const date = (time: string | null) => (time ? new Date(time).toLocaleString() : "never");

let again: number | undefined;

/** Shows one view of the page, with what there is to say. */
function show(view: string, notice = ""): void {
  const isNew = get(view).hidden;
  for (const id of VIEWS) get(id).hidden = id !== view;
  for (const form of document.querySelectorAll("form")) form.reset();
  get("notice").textContent = notice;
  clearInterval(again);
  if (isNew) get(view).querySelector<HTMLElement>("input, button")?.focus();
}

/** Where complaints are read: nothing beside an open dialog is. */
const problem = () => document.querySelector<HTMLElement>("dialog[open] [role=alert]") ?? get("problem");

/** What went wrong, in words; at its field, where the form has that. */
function complain(error: unknown, form?: HTMLFormElement): void {
  const name = error instanceof Error ? error.name : "";
  // Another call for a passkey took the place of this one.
  if (name === "AbortError") return;
  if (error instanceof Problem && error.code === "unauthenticated") return signedOut("Your session is over.");
  const rest: string[] = [];
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

/** Does what a form or button is for: once at a time, with complaints where they belong. */
async function act(
  buttons: Iterable<HTMLButtonElement>,
  work: () => Promise<unknown>,
  form?: HTMLFormElement,
): Promise<void> {
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

function onSubmit(id: string, work: (fields: Form) => Promise<unknown>): void {
  const form = get<HTMLFormElement>(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form)) as Form;
    void act(form.querySelectorAll("button"), () => work(fields), form);
  });
}

function onClick(button: HTMLButtonElement, work: () => Promise<unknown>): void {
  button.addEventListener("click", () => void act([button], work));
}

function newButton(text: string, work: () => Promise<unknown>): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  onClick(button, work);
  return button;
}

function fill(list: string, rows: (string | HTMLElement)[][]): void {
  const items = rows.map((row) => {
    const item = document.createElement("li");
    item.append(...row);
    return item;
  });
  get(list).replaceChildren(...items);
}

// Signed out

function signedOut(notice = ""): void {
  show("signed-out", notice);
  offerPasskeys();
}

/** Offers passkeys where the browser fills in names and passwords (conditional UI). */
function offerPasskeys(): void {
  void autofill();
  again = setInterval(autofill, AUTOFILL_AGAIN_MS);
}

async function autofill(): Promise<void> {
  try {
    if (await api.signInWithPasskey(true)) await signedIn();
  } catch (error) {
    complain(error);
  }
}

async function entered(answer: api.SignedIn | api.MfaRequired): Promise<void> {
  api.stopAutofill();
  if (answer.status === "signed_in") return signedIn();
  secondStep(answer);
}

onSubmit("sign-in", async ({ identifier = "", password = "" }) => entered(await api.signIn({ identifier, password })));

onClick(get("passkey-sign-in"), async () => {
  // A browser asks for one passkey at a time.
  clearInterval(again);
  try {
    await api.signInWithPasskey();
  } catch (error) {
    offerPasskeys();
    throw error;
  }
  await signedIn();
});

let pending: { userId: string; tokenId: string; email: string };

onSubmit("sign-up", async ({ name = "", email = "", password = "" }) => {
  const { userId, verification } = await api.signUp({ name, email, password });
  pending = { userId, tokenId: verification.tokenId, email };
  show("verification");
  get("verification-to").textContent = verification.sentTo;
});

onSubmit("verify", async ({ code = "" }) => {
  await api.verifyEmail({ code, ...pending });
  signedOut("Your address is confirmed. Sign in.");
});

let step: api.MfaRequired;

function secondStep(answer: api.MfaRequired): void {
  step = answer;
  show("second-step", answer.challenge && `A code is on its way to ${answer.challenge.sentTo}.`);
  get("second-step-methods").textContent = `Your second factors: ${names(answer.methods)}.`;
  const messages = answer.methods.filter((method) => method !== "totp");
  const buttons = messages.map((method) =>
    newButton(`Send a ${METHODS[method]}`, async () => {
      const { token } = step;
      const sent = await api.secondStep({ token, method });
      if (sent.status === "mfa_required") secondStep(sent);
    }),
  );
  get("second-step-send").replaceChildren(...buttons);
}

onSubmit("second-factor", async ({ code = "", trustDevice }) => {
  const { token } = step;
  await entered(await api.secondStep({ token, code, trustDevice: trustDevice === "on" }));
});

for (const button of document.querySelectorAll<HTMLButtonElement>(".back")) {
  onClick(button, async () => signedOut());
}

// Signed in

async function signedIn(notice = ""): Promise<void> {
  const [{ user }, passkeys, mfa, sessions] = await Promise.all([api.me(), api.passkeys(), api.mfa(), api.sessions()]);
  show("signed-in", notice);
  get("user-name").textContent = user.name;
  get("user-email").textContent = user.email;
  fill("passkeys", passkeys.map((passkey) => [
    `${passkey.name}, last used: ${date(passkey.lastUsedAt)}`,
    newButton("Remove", async () => {
      await api.removePasskey(passkey.id);
      await signedIn(`Removed ${passkey.name}.`);
    }),
  ]));
  fill("sessions", sessions.map(({ id, current, device, ip, lastUsedAt }) => {
    const text = `${device ?? "Unknown device"}, ${ip ?? "unknown address"}, ${current ? "now" : date(lastUsedAt)}`;
    const end = newButton("End", async () => {
      await api.endSession(id);
      await signedIn("Ended the session.");
    });
    return current ? [text] : [text, end];
  }));
  showFactors(mfa);
}

onClick(get("add-passkey"), async () => {
  const { name } = await api.addPasskey();
  await signedIn(`Added ${name}.`);
});

onClick(get("sign-out"), async () => {
  await api.signOut();
  signedOut("You are signed out.");
});

let factor: api.NewFactor;
let mailed: string | undefined;

function showFactors({ methods, available, recoveryCodesLeft }: api.Mfa): void {
  get("factors").textContent = methods.length
    ? `On: ${names(methods)}. Recovery codes left: ${recoveryCodesLeft}.`
    : "None: sign-in asks for the password alone.";
  const beginnings = available.map((method) => newButton(`Set up ${METHODS[method]}`, () => begin(method)));
  get("factors-available").replaceChildren(...beginnings);
  for (const id of ["enable", "recovery"]) get(id).hidden = true;
  get("disable").hidden = methods.length === 0;
  mailed = undefined;
  const messages = methods.filter((method) => method !== "totp");
  const buttons = messages.map((method) =>
    newButton(`Send a ${METHODS[method]}`, async () => {
      const { token, sentTo } = await api.askFactorCode(method);
      mailed = token;
      get("notice").textContent = `A code is on its way to ${sentTo}.`;
    }),
  );
  get("disable-send").replaceChildren(...buttons);
}

async function begin(method: api.Method): Promise<void> {
  factor = await api.beginFactor(method);
  get("enable").hidden = false;
  get("enable-app").hidden = !factor.qrSvg;
  // As a picture an SVG runs no scripts.
  get<HTMLImageElement>("enable-qr").src = `data:image/svg+xml,${encodeURIComponent(factor.qrSvg ?? "")}`;
  get("enable-secret").textContent = factor.secret ?? "";
  get("enable-sent").hidden = !factor.sentTo;
  get("enable-sent").textContent = `A code is on its way to ${factor.sentTo}.`;
  get("enable").querySelector("input")?.focus();
}

onSubmit("enable", async ({ code = "" }) => {
  const { recoveryCodes } = await api.finishFactor({ token: factor.token, code });
  await signedIn("The second factor is on.");
  get("recovery").hidden = recoveryCodes.length === 0;
  fill("recovery-codes", recoveryCodes.map((text) => [text]));
});

onSubmit("disable", async ({ code = "" }) => {
  await api.disableMfa(mailed ? { code, token: mailed } : { code });
  await signedIn("Second factors are off.");
});

// The proof that sensitive calls ask for

api.onStepUp((complaint = "") => {
  const dialog = get<HTMLDialogElement>("step-up");
  const form = get<HTMLFormElement>("step-up-form");
  form.reset();
  dialog.showModal();
  problem().textContent = complaint;
  return new Promise<api.Proof | undefined>((resolve) => {
    const done = (proof?: api.Proof) => {
      dialog.close();
      resolve(proof);
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      done({ password: String(new FormData(form).get("password")) });
    };
    const passkey = get<HTMLButtonElement>("step-up-passkey");
    passkey.onclick = () => void act([passkey], async () => done(await api.proveByPasskey()));
    get("step-up-cancel").onclick = dialog.oncancel = () => done();
  });
});

void act([], async () => ((await api.refresh()) ? signedIn() : signedOut()));
