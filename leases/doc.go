// Package leases decides which worker reads which shard, and writes down how far each has got.
//
// Workers share one table of leases, one row for each shard, and nothing else: they do not talk to one another, and none of them
// leads. The table is laid out as the Kinesis Client Library 3.5 lays it out, and every write has the library's own conditions or
// stricter ones, so Java workers may take part; while a Java worker leads, it balances as well, and the two do not yet agree on who does.
//
// # A row
//
// A row names its Owner and carries a Counter that moves with every renewal, checkpoint and change of hands. While a handoff is in
// progress, Owner is already the next owner, and CheckpointOwner the one that still reads. The holder is CheckpointOwner where it is
// set, else Owner; only the holder may move the checkpoint.
//
//	                   take (counter)                         ask (owner, no handoff)
//	nobody's ------------------------------> held by A ------------------------------> A holds, B asked
//	   ^                                      |  ^  ^ |                                   |        |
//	   |          evict (counter, owners)     |  |  | +---- renewal, checkpoint           |        |
//	   +--------------------------------------+  |  |            (counter)                |        |
//	   |                                         |  |      refuse, withdraw (owners)      |        |
//	   |                                         |  +-------------------------------------+        |
//	   |          silent for a failover time:    |                    complete (counter, owners)   |
//	   |          take (counter)                 +----- held by B <--------------------------------+
//	   |
//	   +-- SHARD_END, with the children's ids (counter): the row is nobody's for good
//
// In brackets stands what each write demands of the row. What moves hands or checkpoints moves the counter and demands it, so of two
// such writes made from one reading, one fails. Asking, refusing and withdrawing leave the counter alone: they must not disturb the
// holder's writes in flight. A completion demands the counter as well as the owners, since a handoff may be asked for, withdrawn and
// asked for again while a first completion is on its way.
//
// # Trust
//
// A holder writes each row every third of the failover time F, and trusts it for nine tenths of F from the start of the last write
// that is known to have landed. An observer takes a lease when it has seen the counter stand still for more than F, by its own
// monotonic clock, from a moment after the read in which it first saw that count. The read came after the write, and the write after
// its start; so trust has ended when anybody takes. No wall clock takes part, and no two clocks are compared. (A machine that is
// suspended stops its monotonic clock; what it does until its next write is refused, or until its timers fire, is for fencing tokens to
// stop: Held.Token.)
//
// When trust ends, the holding's context ends, and no write of that holding is made any more. That is final: the lease may come
// back to this worker, but as a new holding.
//
// # Lost replies
//
// A write whose reply is lost may have landed. It is made again with the same counter. If that finds the counter moved by one, the row
// in this worker's hands, and the checkpoint at a position that this holding tried to write, then the first attempt landed, and trust
// counts from the start of the earliest attempt. Anything else means that the lease is lost. A take or an adoption with a lost reply
// is left alone: if it landed, the row names this worker, and the next question to the index finds it.
//
// # A holding
//
//	           handoff asked, or Run's context ends     HandoffTimeout or ShutdownTimeout
//	working -------------------------------> draining ------------------------------> stopped
//	   |                                         |                                       |
//	   +-----------------------------------------+---------------------------------------+
//	   |                                         |                                       |
//	   v End writes SHARD_END                    v Work returns, and the row is given    v the row is another's,
//	 ended                                    released                                 lost  or trust has ended
//
// working: records are read. draining: Draining is closed; the handler may finish, and its checkpoint is written. stopped: Context has
// ended with ErrStopped; the lease is still held and renewed, checkpoints are still written. A lease is never given away while its
// Work runs: a handoff whose Work does not return even then is refused, and at shutdown the lease is left to expire. A holding leaves
// "working" once; when an asker withdraws, Work starts anew as soon as the old one has returned.
//
// # A worker
//
// Every half second (or quarter of F) it asks the index which rows name it, and adopts by a renewal those that it does not hold. Every
// fifth of F, when a lease is about to be found silent, and after changes of its own, it reads the table, works out a plan, takes what
// is idle and asks for what it lacks. The plan is a pure function of the rows (balance.go): all workers that see the same table compute
// the same one, and each carries out its own part. A lease in a handoff counts where it goes. Leases at SHARD_END or with unfinished
// parents weigh nothing.
//
// A worker that stops gives each lease, as soon as its Work has returned, straight to the live worker with the fewest, which finds it
// in the index; so nothing waits for a failover time. What it is still given meanwhile, it passes on.
//
// A worker that starts knows of no others before it has read the table, and they do not know of it before it holds or has asked for
// something. It therefore takes few leases at first and looks again, and no lease is asked for that is not above its holder's share.
// An asker that dies before its handoff is done gets the lease all the same, and loses it a failover time later.
//
// # Shards
//
// Missing says which leases a first synchronisation creates. Everything after that comes into being when a parent ends: Held.End
// creates the children at TRIM_HORIZON, then writes SHARD_END. A child is not read before all parents' leases are at SHARD_END or
// absent (Held.AwaitParents). A lease at Latest carries StartAt, so that "latest" stays where it was.
//
// # Goroutines
//
//	Run's caller          the loop of attendTable, then shutDown; it alone touches the watch and the plan
//	keeper of <lease>     one for each holding; renews, minds the handoff, gives the lease up
//	work on <lease>       one for each holding; Config.Work
//	take, adopt, ask, …   one for each store call of a burst; Run's caller waits for them
//
// Calls to the store are bounded in number (64 at once) and time (a fifth of F each). Locks guard a few assignments and are never held
// across a call; what has to be held across one (the right to write a row) is a channel. The first lock to be taken is the
// coordinator's or a holding's, never both.
//
// # Files, in reading order
//
// lease.go (the row), store.go (what keeps it), write.go (every conditional write), memory.go (a store in this process),
// coordinate.go (the worker), calls.go (its calls to the store), observe.go (who is silent), balance.go (the plan), take.go (how a lease is got), held.go and state.go (a
// lease in hand), keep.go and renew.go (how it stays so), fence.go (how a write is made and its outcome settled), handoff.go, end.go,
// release.go and heirs.go (how it is given away), sync.go (a stream's first leases), config.go, hooks.go, errors.go.
package leases
