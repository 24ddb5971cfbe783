// The lint rules of the page's modules and of their tests. Paths are relative to the project's folder.
import js from "@eslint/js";
import globals from "globals";

const SHORT = { skipBlankLines: true, skipComments: true };

export default [
  { ignores: ["chalicelib/web/page/vendor/**", "**/node_modules/**"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-depth": ["error", 4],
      "max-lines": ["error", { max: 350, ...SHORT }],
      "max-lines-per-function": ["error", { max: 60, ...SHORT }],
      "max-params": ["error", 6],
      "no-control-regex": "off", // a log's colours are control characters
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "No value is ever markup: build elements with lib/dom.js." },
        { property: "outerHTML", message: "No value is ever markup: build elements with lib/dom.js." },
        { property: "insertAdjacentHTML", message: "No value is ever markup: build elements with lib/dom.js." },
      ],
      "no-shadow": "error",
      "no-unused-vars": ["error", { caughtErrors: "none" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  { files: ["chalicelib/web/page/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["chalicelib/web/page/lib/*-worker.js"], languageOptions: { globals: globals.worker } },
  { files: ["tests/page/**/*.js"], languageOptions: { globals: globals.node } },
];
