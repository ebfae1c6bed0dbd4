/** `lightkeeper/testing/sim`: the simulator alone; importing it loads nothing of the host. */
export { type DiskFaults, SeededRandom, SimDisk, SimNetwork, World } from '@lightkeeper/testing/sim'
