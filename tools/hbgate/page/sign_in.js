// Asks for the token where the gateway wants one.
import { setText } from "./element.js";
import { tokenUsed, useToken } from "./gateway.js";
import { visible } from "./words.js";

export class SignIn {
  form = document.getElementById("sign-in");
  field = document.getElementById("token");
  title = document.getElementById("sign-in-title");
  why = document.getElementById("sign-in-why");

  // `entered()`: there is a token to try.
  constructor(entered) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      useToken(this.field.value);
      this.field.value = "";
      this.form.hidden = true;
      document.body.classList.remove("refused");
      entered();
    });
  }

  asks() {
    return !this.form.hidden;
  }

  // `error`: a Refused with 401 or 403.
  ask(error) {
    if (this.asks()) return;
    setText(this.title, error.status === 403 ? "This gateway refuses to be read"
      : "This gateway asks for a token");
    setText(this.why, error.status === 403
      ? `The gateway refuses this (403): ${visible(error.message)}.`
      : tokenUsed() ? "The gateway does not know this token (401)."
        : "It is in the file that hbgate was given with --token-file, in a line that begins with read.");
    document.body.classList.add("refused");
    this.form.hidden = false;
    this.field.focus();
  }
}
