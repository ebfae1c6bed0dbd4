/** What Lightkeeper tests itself with, for those who test their own code. */
export {
  type ApacheOptions,
  type ApacheServer,
  type ApacheVersion,
  type Availability,
  apache,
  apacheAvailable,
  ask,
  freePorts,
  withElectionAddress,
} from './apache.ts'
export { compileJava, javaClassPath, javaMissing } from './java.ts'
export { type Proxy, type ProxyOptions, proxy } from './proxy.ts'
export { type DiskFaults, SimDisk } from './sim/disk.ts'
export { SimNetwork } from './sim/network.ts'
export { SeededRandom } from './sim/random.ts'
export { World } from './sim/world.ts'
