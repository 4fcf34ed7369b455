package contract

// pinned holds the hash of each version that was offered.
var pinned = map[int]string{1: "3293372E85BE8EE6", 2: "F1A59684A2E514BB"}
