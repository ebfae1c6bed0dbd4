/** `lightkeeper completion`: scripts that make a shell complete command lines. */
import type { Run } from '../command.ts'
import { completionScript } from '../completion/scripts.ts'
import { profileNames } from '../profile.ts'
import type { completion } from '../table/help.ts'

export const run: Run<typeof completion> = async ({ args, commands }) => {
  const { shell } = args
  const lines = profileNames(process.env).map((each) => `${each}\n`)
  process.stdout.write(shell === 'profiles' ? lines.join('') : completionScript(shell, commands))
  return 0
}
