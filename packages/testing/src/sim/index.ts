/** `@lightkeeper/testing/sim`: the simulator alone. Importing it loads nothing of the host and leaves nothing behind. */
export { type DiskFaults, SimDisk } from './disk.ts'
export { SimNetwork } from './network.ts'
export { SeededRandom } from './random.ts'
export { World } from './world.ts'
