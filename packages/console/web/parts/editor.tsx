/** The text editor, by CodeMirror. Loaded when a znode is opened for the first time. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  /** The text at the start; another `key` starts again with another one. */
  readonly text: string
  readonly isJson: boolean
  readonly isReadOnly: boolean
  readonly label: string
  onText(text: string): void
  onSave(): void
}

/** The colours of the page, so that they suit light and dark. */
const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--bad)' },
])

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? ''

export default function Editor({ text, isJson, isReadOnly, label, onText, onSave }: Props): JSX.Element {
  const parent = useRef<HTMLDivElement>(null)
  const calls = useRef({ onText, onSave })
  calls.current = { onText, onSave }
  useEffect(() => {
    if (parent.current === null) return
    const save = (): boolean => {
      calls.current.onSave()
      return true
    }
    const view = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce),
          lineNumbers(),
          history(),
          // Tab moves the focus on, as everywhere on the page.
          keymap.of([{ key: 'Mod-s', run: save, preventDefault: true }, ...defaultKeymap, ...historyKeymap]),
          EditorView.lineWrapping,
          EditorState.readOnly.of(isReadOnly),
          EditorView.contentAttributes.of({
            'aria-label': label,
            ...(isReadOnly && { 'aria-readonly': 'true', tabindex: '0' }),
          }),
          ...(isJson ? [json(), syntaxHighlighting(colours)] : []),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) calls.current.onText(update.state.doc.toString())
          }),
        ],
      }),
    })
    return () => view.destroy()
    // The text is that of the start: typing must not start the editor again.
  }, [isJson, isReadOnly, label])
  return <div ref={parent} class="editor" />
}
