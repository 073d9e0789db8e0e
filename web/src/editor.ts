// The code editor, in a file of its own that is fetched with the first code question.
// It lives in a shadow root: its style sheets are then constructed ones, which a strict content policy allows.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { cpp } from "@codemirror/lang-cpp";
import { go } from "@codemirror/lang-go";
import { java } from "@codemirror/lang-java";
import { javascript } from "@codemirror/lang-javascript";
import { python } from "@codemirror/lang-python";
import { rust } from "@codemirror/lang-rust";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export interface EditorOptions {
  host: HTMLElement;
  label: string;
  language: string;
  content: string;
  maxChars: number;
  onChange(content: string): void;
  onSubmit(): void;
  onTooLong(): void;
}

export interface Editor {
  content(): string;
  setContent(content: string): void;
  setLanguage(language: string): void;
}

const MODES: Record<string, () => Extension> = {
  python: () => [python(), indentUnit.of("    ")],
  javascript: () => javascript(),
  typescript: () => javascript({ typescript: true }),
  rust: () => [rust(), indentUnit.of("    ")],
  sql: () => sql(),
  java: () => [java(), indentUnit.of("    ")],
  cpp: () => [cpp(), indentUnit.of("    ")],
  go: () => [go(), indentUnit.of("\t")],
};

const ALIASES: Record<string, string> = { js: "javascript", ts: "typescript", py: "python", "c++": "cpp", c: "cpp", rs: "rust", golang: "go" };

function mode(language: string): Extension {
  const name = language.toLowerCase();
  return MODES[ALIASES[name] ?? name]?.() ?? [];
}

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "0.92rem", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { padding: "0.75rem 0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 0.9rem" },
  ".cm-gutters": { backgroundColor: "var(--surface-sunk)", color: "var(--ink-soft)", border: "0", borderRight: "1px solid var(--line)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 0.6rem 0 0.9rem" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--code-selection)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.controlKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.macroName], color: "var(--code-function)" },
  { tag: [tags.typeName, tags.className, tags.standard(tags.name)], color: "var(--code-type)" },
]);

export function createEditor(options: EditorOptions): Editor {
  const root = options.host.attachShadow({ mode: "open" });
  const language = new Compartment();
  const limit = EditorState.changeFilter.of((transaction) => {
    if (transaction.newDoc.length <= options.maxChars || transaction.newDoc.length <= transaction.startState.doc.length) return true;
    options.onTooLong();
    return false;
  });
  const submit = keymap.of([
    {
      key: "Mod-Enter",
      run: () => {
        options.onSubmit();
        return true;
      },
    },
  ]);
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: options.content,
      extensions: [
        submit,
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        // Brackets are closed, but no word is ever suggested: the code is the candidate's own.
        closeBrackets(),
        limit,
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        syntaxHighlighting(colours),
        theme,
        EditorView.lineWrapping,
        language.of(mode(options.language)),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", autocorrect: "off", autocapitalize: "off", translate: "no" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && update.transactions.some((transaction) => !transaction.isUserEvent("page"))) {
            options.onChange(update.state.doc.toString());
          }
        }),
      ],
    }),
  });
  return {
    content: () => view.state.doc.toString(),
    setContent: (content) =>
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: content },
        userEvent: "page",
        filter: false,
      }),
    setLanguage: (name) => view.dispatch({ effects: language.reconfigure(mode(name)) }),
  };
}
