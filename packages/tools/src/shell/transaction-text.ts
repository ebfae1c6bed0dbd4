/** The operations of a transaction as people type them: one text each, in the words of the shell. */
import { type Data, op, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { wordsOf } from './words.ts'

/** The form of each operation, as messages show it. */
const forms = {
  create: 'create [-e] [-s] [-c] PATH [DATA]',
  set: 'set PATH DATA [VERSION]',
  delete: 'delete PATH [VERSION]',
  check: 'check PATH [VERSION]',
} as const

/**
 * Reads `create /a "some data"`, `set /b data 3`, `delete /c`, `check /d 7`.
 * @param pathOf makes a path of a word: relative ones are possible in a shell. The second argument is true for a sequential create.
 * @throws RangeError that names the wrong text and the expected form.
 */
export function parseOperation(
  text: string,
  pathOf: (word: string, sequential: boolean) => ZnodePath,
): TransactionOp<unknown> {
  const [name = '', ...rest] = wordsOf(text).map((word) => word.text)
  if (!isKnown(name)) throw new RangeError(`"${text}": an operation begins with create, set, delete or check`)
  const wrong = (): RangeError => new RangeError(`"${text}": expected ${forms[name]}`)
  const flags = new Set<string>()
  while (rest[0]?.startsWith('-') === true && name === 'create') flags.add(rest.shift() as string)
  const [path, ...more] = rest
  if (path === undefined || more.length > (name === 'set' ? 2 : 1)) throw wrong()
  const versionIn = (word: string | undefined): { readonly version?: number } => {
    if (word === undefined) return {}
    if (!/^-?\d{1,10}$/.test(word)) throw wrong()
    return { version: Number(word) }
  }
  const [first, second] = more
  switch (name) {
    case 'create':
      return createOf(pathOf(path, flags.has('-s')), first, flags, wrong)
    case 'set':
      if (first === undefined) throw wrong()
      return op.set(pathOf(path, false), first, versionIn(second))
    case 'delete':
      return op.delete(pathOf(path, false), versionIn(first))
    case 'check':
      return op.check(pathOf(path, false), versionIn(first).version)
  }
}

function createOf(
  path: ZnodePath,
  data: Data | undefined,
  flags: ReadonlySet<string>,
  wrong: () => RangeError,
): TransactionOp<unknown> {
  if ([...flags].some((flag) => !['-e', '-s', '-c'].includes(flag))) throw wrong()
  const sequential = flags.has('-s')
  if (flags.has('-c')) {
    if (sequential || flags.has('-e')) throw wrong()
    return op.create(path, data, { mode: 'container' })
  }
  return op.create(path, data, { sequential, mode: flags.has('-e') ? 'ephemeral' : 'persistent' })
}

function isKnown(name: string): name is keyof typeof forms {
  return Object.hasOwn(forms, name)
}
