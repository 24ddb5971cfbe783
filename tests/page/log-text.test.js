import assert from "node:assert/strict";
import { test } from "node:test";
import * as log from "../../chalicelib/web/page/lib/log-text.js";
import { libraryFrames } from "../../chalicelib/web/page/lib/stack-frames.js";

const STAMP = "2026-11-23T06:02:40.123Z ";

test("a line is split into its timestamp and what the command wrote", () => {
  assert.deepEqual(log.splitStamp(`${STAMP}hello`), { stamp: STAMP, text: "hello" });
  assert.deepEqual(log.splitStamp("hello 2026"), { stamp: "", text: "hello 2026" });
  assert.equal(log.plainText(`${STAMP}\x1b[1;31mred\x1b[0m \x1b[Kx`), "red \x1b[Kx");
});

test("errors are recognised, and words that only resemble them are not", () => {
  const wrong = [
    "ValueError: x",
    "java.lang.IllegalState: no",
    "prices.Missing",
    "Permission denied",
    "FATAL: x",
    "npm error",
  ];
  const fine = ["0 errors", "mirrored", "terrors", "https://a.example.Com/x", "done"];
  for (const text of wrong) assert.ok(log.looksWrong(text), text);
  for (const text of fine) assert.ok(!log.looksWrong(text), text);
});

test("the last words are the last error, else the last line that is not empty", () => {
  assert.equal(
    log.lastWords([`${STAMP}ValueError: a`, `${STAMP}\x1b[31mKeyError: b\x1b[0m`, "bye", ""]),
    "KeyError: b",
  );
  assert.equal(log.lastWords(["one", "two", "  "]), "two");
  assert.equal(log.lastWords([]), "");
});

test("a timestamp is shown on the viewer's clock", () => {
  const at = new Date(2026, 10, 23, 4, 5, 6, 7);
  assert.equal(log.localClock(`${at.toISOString()} `), "04:05:06.007");
});

const PYTHON = `Traceback (most recent call last):
  File "/srv/mine.py", line 7, in <module>
    run()
  File "/usr/lib/python3.12/site-packages/click/core.py", line 1157, in main
    rv = self.invoke(ctx)
         ^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.12/site-packages/click/core.py", line 783, in invoke
    return callback(*args)
  File "/srv/mine.py", line 3, in run
    raise Missing()
Missing`.split("\n");

test("frames of libraries are found in traces of Python, Java and Node.js", () => {
  assert.deepEqual(libraryFrames(PYTHON), [[3, 8]]);
  const java = [
    "Exception in thread main",
    "\tat my.App.main(App.java:1)",
    ...Array(3).fill("\tat java.util.List.of(List.java)"),
  ];
  assert.deepEqual(libraryFrames(java), [[2, 5]]);
  const node = [...Array(4).fill("    at run (/app/node_modules/x/index.js:1:1)"), "    at main (/app/main.js:1:1)"];
  assert.deepEqual(libraryFrames(node), [[0, 4]]);
});

test("few frames, and lines that are none, stay as they are", () => {
  assert.deepEqual(libraryFrames(["    at java.util.List.of(List.java)", "    at my.App.main(App.java)"]), []);
  assert.deepEqual(libraryFrames([]), []);
  assert.deepEqual(libraryFrames(["", "  indented", 'File "/usr/lib/python3/dist-packages/x.py", line 1']), []);
});
