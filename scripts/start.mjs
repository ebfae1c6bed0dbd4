// @ts-check
/**
 * The server of `npm start`, with its console; further arguments are those of `lightkeeper server`. npm passes SIGTERM to the shell between
 * it and this process, and most shells end without passing it on. So the server stops when the shell is gone.
 */
import process from 'node:process'
import { setInterval } from 'node:timers'

const whitelist = ['srvr', 'ruok', 'mntr', 'isro', 'cons', 'dump', 'wchc'].join(',')
const defaults = ['--port', '2181', '--data-dir', './data', '--console-port', '4040']
process.argv.splice(2, 0, 'server', ...defaults, '--set', `4lw.commands.whitelist=${whitelist}`)

const shell = process.ppid
const check = setInterval(() => {
  if (process.ppid === shell) return
  clearInterval(check)
  process.kill(process.pid, 'SIGTERM')
}, 200)
// A server that has stopped ends.
check.unref()

await import('../packages/cli/bin/lightkeeper.js')
