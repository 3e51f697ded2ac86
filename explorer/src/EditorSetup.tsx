/** Our fonts and colours in the editors, and the first tab's variables in their pane. */

import { useGraphiQL, useGraphiQLActions, useMonaco } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { defineThemes } from './monacoTheme';

const EDITOR_OPTIONS = {
  fontFamily: "'JetBrains Mono Variable', ui-monospace, monospace",
  fontSize: 13,
  lineHeight: 20,
  lineNumbersMinChars: 3,
  guides: { indentation: true, highlightActiveIndentation: false },
  bracketPairColorization: { enabled: false },
};

export function EditorSetup() {
  const monaco = useMonaco((state) => state.monaco);
  const { setTheme } = useGraphiQLActions();
  const { theme, queryEditor, variableEditor, headerEditor, responseEditor, tabs, activeTabIndex } = useGraphiQL((state) => ({
    theme: state.theme,
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    headerEditor: state.headerEditor,
    responseEditor: state.responseEditor,
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
  }));

  useEffect(() => {
    if (monaco) defineThemes(monaco);
  }, [monaco]);

  // GraphiQL asks for the system's theme once; the system may change it, at dusk for example.
  useEffect(() => {
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    const follow = (): void => setTheme(theme);
    system.addEventListener('change', follow);
    return () => system.removeEventListener('change', follow);
  }, [theme, setTheme]);

  useEffect(() => {
    for (const editor of [queryEditor, variableEditor, headerEditor, responseEditor]) {
      editor?.updateOptions(EDITOR_OPTIONS);
    }
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);

  // GraphiQL loads the query of the first default tab on its own, but not its variables.
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current || !variableEditor || !queryEditor) return;
    opened.current = true;
    const variables = tabs[activeTabIndex]?.variables;
    if (variables && variableEditor.getValue() === '') variableEditor.setValue(variables);
  }, [queryEditor, variableEditor, tabs, activeTabIndex]);

  return null;
}
