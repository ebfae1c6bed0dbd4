/** kazoo's recipes, each with two clients, through a cut connection and a lost session. */
import { fileURLToPath } from 'node:url'
import { lane, stepsIn } from '../lane.ts'
import { missingKazoo, python } from '../python.ts'

const program = fileURLToPath(new URL('recipes.py', import.meta.url))

lane({
  name: "kazoo's recipes",
  prepare: () => missingKazoo,
  command: (connectString, ...args) => [python ?? 'python3', program, connectString, ...args],
  steps: stepsIn(program),
  holds: false,
})
