/**
 * The tools with which Lightkeeper tests itself, for users who test their own code. The simulator alone is
 * `@lightkeeper/testing/sim`.
 */
export { ask } from './apache/ask.ts'
export { type Cables, lay, withElectionAddress } from './apache/cables.ts'
export { type ApacheOptions, type ApacheServer, apache, type Guest, type GuestProcess } from './apache/ensemble.ts'
export { type ApacheVersion, type Availability, apacheAvailable } from './apache/installation.ts'
export { freePorts } from './apache/ports.ts'
export {
  Authority,
  type CertificateOptions,
  type Certified,
  type ClientCertificates,
  type SecureServerOptions,
} from './certificates.ts'
export {
  type CutOptions,
  type Direction,
  type Ensemble,
  type EnsembleOptions,
  startEnsemble,
} from './ensemble/ensemble.ts'
export { compileJava, javaClassPath, javaMissing } from './java.ts'
export { type Proxy, type ProxyOptions, proxy } from './proxy.ts'
export { type DiskFaults, SeededRandom, SimDisk, SimNetwork, World } from './sim/index.ts'
