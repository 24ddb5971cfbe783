// What an empty installation shows: a file to copy, where it goes, and a way to create it on the page.
import { button, h } from "../lib/dom.js";
import { hrefTo } from "../lib/router.js";
import { currentSession } from "../lib/session.js";
import { STARTER, STARTER_NAME } from "../lib/starter.js";
import { copyButton, download, sourceText } from "./source-text.js";

export function firstSteps() {
  const session = currentSession();
  return h(
    "div",
    { class: "card", id: "first-steps" },
    h("p", null, "A DAG is a YAML file in the dags bucket. This one greets you, and then counts to three:"),
    sourceText(STARTER, STARTER_NAME, STARTER_NAME),
    h(
      "div",
      { class: "row" },
      copyButton(STARTER, `Copy ${STARTER_NAME}`),
      button("Download", () => download(STARTER_NAME, STARTER), { id: "download-starter" }),
      session?.can_edit
        ? h("a", { class: "button", id: "create", href: hrefTo(["edit"]) }, "Create it on this page…")
        : null,
    ),
    session ? places(session) : null,
    h(
      "p",
      { class: "quiet" },
      "The DAG appears here within seconds. A file with errors is listed under ",
      h("a", { href: "#/errors" }, "Import errors"),
      ".",
    ),
  );
}

/** @param {Api.Session} session */
function places({ dags_bucket: bucket, dags_folder: folder, s3_endpoint: endpoint }) {
  const command = `aws ${endpoint ? `--endpoint-url ${endpoint} ` : ""}s3 cp ${STARTER_NAME} s3://${bucket}/`;
  return [
    folder ? h("p", null, `Save it as ${STARTER_NAME} in the folder `, h("code", null, folder), ".") : null,
    h("p", null, folder ? "Or copy it to the bucket " : "Copy it to the bucket ", h("code", null, bucket), ":"),
    h("div", { class: "row" }, h("code", { class: "command" }, command), copyButton(command, "Copy the command")),
  ];
}
