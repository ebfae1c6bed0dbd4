/** `lightkeeper/testing`. */
export {
  type ApacheOptions,
  type ApacheServer,
  type ApacheVersion,
  type Availability,
  apache,
  apacheAvailable,
  ask,
  type DiskFaults,
  type Proxy,
  proxy,
  SeededRandom,
  SimDisk,
  SimNetwork,
  World,
} from '@lightkeeper/testing'
