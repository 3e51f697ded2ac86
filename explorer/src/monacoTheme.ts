/** Editor colours that go with the page; they replace GraphiQL's own two themes under their names. */

import type * as Monaco from 'monaco-editor';

type Shade = 'light' | 'dark';

const PAINT = {
  light: {
    text: '#1e293b',
    faint: '#94a3b8',
    panel: '#ffffff',
    accent: '#0d9488',
    accentSoft: '#0d948818',
    selection: '#0d948830',
    keyword: '#6d28d9',
    field: '#0f3d66',
    argument: '#0f766e',
    type: '#b45309',
    string: '#15803d',
    number: '#c2410c',
  },
  dark: {
    text: '#dbe4f0',
    faint: '#7689a6',
    panel: '#131f35',
    accent: '#2dd4bf',
    accentSoft: '#2dd4bf1a',
    selection: '#2dd4bf33',
    keyword: '#c4b5fd',
    field: '#93c5fd',
    argument: '#5eead4',
    type: '#fcd34d',
    string: '#86efac',
    number: '#fdba74',
  },
} as const;

function themeData(shade: Shade): Monaco.editor.IStandaloneThemeData {
  const paint = PAINT[shade];
  const bare = (colour: string): string => colour.slice(1);
  return {
    base: shade === 'dark' ? 'vs-dark' : 'vs',
    inherit: true,
    rules: [
      { token: '', foreground: bare(paint.text) },
      { token: 'comment', foreground: bare(paint.faint), fontStyle: 'italic' },
      { token: 'delimiter', foreground: bare(paint.faint) },
      { token: 'keyword', foreground: bare(paint.keyword) },
      { token: 'key.identifier.gql', foreground: bare(paint.field) },
      { token: 'identifier', foreground: bare(paint.field) },
      { token: 'argument.identifier.gql', foreground: bare(paint.argument) },
      { token: 'type.identifier.gql', foreground: bare(paint.type) },
      { token: 'string', foreground: bare(paint.string) },
      { token: 'string.key.json', foreground: bare(paint.field) },
      { token: 'string.value.json', foreground: bare(paint.string) },
      { token: 'number', foreground: bare(paint.number) },
      { token: 'keyword.json', foreground: bare(paint.keyword) },
    ],
    colors: {
      'editor.background': '#ffffff00',
      'editor.foreground': paint.text,
      'editor.selectionBackground': paint.selection,
      'editorLineNumber.foreground': paint.faint,
      'editorLineNumber.activeForeground': paint.text,
      'editorIndentGuide.background1': `${paint.faint}30`,
      'editorIndentGuide.activeBackground1': `${paint.faint}70`,
      'editorBracketHighlight.foreground1': paint.faint,
      'editorBracketHighlight.foreground2': paint.faint,
      'editorBracketHighlight.foreground3': paint.faint,
      'scrollbar.shadow': '#ffffff00',
      'scrollbarSlider.background': `${paint.faint}40`,
      'scrollbarSlider.hoverBackground': `${paint.faint}70`,
      'scrollbarSlider.activeBackground': `${paint.faint}90`,
      'editorWidget.background': paint.panel,
      'editorHoverWidget.background': paint.panel,
      'editorSuggestWidget.background': paint.panel,
      'editorSuggestWidget.selectedBackground': paint.accentSoft,
      'editorSuggestWidget.selectedForeground': paint.accent,
      'list.hoverBackground': paint.accentSoft,
      'list.highlightForeground': paint.accent,
      'list.focusHighlightForeground': paint.accent,
      'menu.background': paint.panel,
      'menu.selectionBackground': paint.accentSoft,
      'menu.selectionForeground': paint.accent,
      'quickInput.background': paint.panel,
      'quickInputList.focusBackground': paint.accentSoft,
      'textLink.foreground': paint.accent,
      focusBorder: paint.accent,
    },
  };
}

export function defineThemes(monaco: typeof Monaco): void {
  monaco.editor.defineTheme('graphiql-LIGHT', themeData('light'));
  monaco.editor.defineTheme('graphiql-DARK', themeData('dark'));
}
