/** Where the shell keeps its history: the user's folder for state. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** `$XDG_STATE_HOME/lightkeeper`, `%LOCALAPPDATA%\lightkeeper` on Windows, else `~/.local/state/lightkeeper`. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  const own = env['XDG_STATE_HOME']
  // The specification wants a relative one to be ignored.
  if (own?.startsWith('/')) return join(own, 'lightkeeper')
  const local = platform === 'win32' ? env['LOCALAPPDATA'] : undefined
  return local ? join(local, 'lightkeeper') : join(homedir(), '.local', 'state', 'lightkeeper')
}
