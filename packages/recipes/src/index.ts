/** What people use ZooKeeper for, on nothing but the public face of the client. */
export {}
