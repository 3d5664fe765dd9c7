// Package leases decides which worker reads which shard, and writes down how far each has got.
//
// Workers share one table, with a row for each shard's lease and a row for each worker, and nothing else: they do not talk to one
// another, and none of them leads. The table is laid out as the Kinesis Client Library 3.5 lays it out, and every write has the library's
// own conditions or stricter ones, so Java workers may take part; while one of them leads, balancing is left to it.
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
// A holder writes each row every third of the failover time F or, where a lease has to come into its phase, sooner (hands.go), and trusts it for
// nine tenths of F from the start of the last write that is known to have landed. An observer takes a lease when it has seen the counter stand
// still for more than F, by its own monotonic clock, from a moment after the read in which it first saw that count. The read came after the write,
// and the write after its start; so trust has ended when anybody takes. No wall clock takes part, and no two clocks are compared. (A machine that
// is suspended stops its monotonic clock; what it does until its next write is refused, or until its timers fire, is for fencing tokens to stop:
// Held.Token.)
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
// A worker writes its own row before it takes anything, and twice in a failover time from then on, or every ten seconds if that is more often; the row is deleted last of all.
// Every half second (or quarter of F) it asks the index which rows name it, and adopts by a renewal those that it does not hold. Every
// fifth of F, when a lease is about to be found silent, and after changes of its own, it reads the table, works out a plan, takes what
// is idle and asks for what it lacks. The plan is a pure function of the rows (balance.go): all workers that see the same table compute
// the same one, and each carries out its own part. A lease in a handoff counts where it goes. One whose holder is new is not
// asked for before that holder has written: it may have been given the lease and not know of it yet, and once somebody else is named the
// index would not tell it. Leases at SHARD_END or with unfinished
// parents do not count. Shares are even within one, but where rows tell of traffic that has a say too: see Weights.
//
// A worker counts if its row changes: standing still for two of its periods and a second, it is dead, and one silent lease is enough to doubt it
// until its row changes again. At first sight a row that is more than a minute old by the clocks of both is a dead worker's; that is where clocks
// meet, and a wrong one costs an uneven share for a few seconds. A dead worker's row is deleted when it has stood still for more than F too, so
// that who looks at the table seldom does not take it for one that has changed since; one that lives is written again. (The auditor deletes rows by
// their age too: those of Java workers, which write theirs every half minute, after a day.) A row that says of a metric that it could not be taken
// is that of a worker that takes no more, as all do when they stop; a processor that cannot be measured is left out. Workers of the Java library
// are judged by their leases too.
//
// A worker that stops gives each lease, as soon as its Work has returned, straight to the live worker with the fewest, which finds it
// in the index; so nothing waits for a failover time. What it is still given meanwhile, it passes on. Run returns when each heir is seen to have
// taken a lease, which takes half a second; the leases of one that does not, because it has just died, go to others (bequests.go).
//
// Workers that start at the same moment may not have seen one another's rows. A worker therefore takes few leases at first and looks
// again, and no lease is asked for that is not above its holder's share.
//
// # Weights
//
// Each lease's row says how much its holder reads (traffic.go), a mean of the last half minute or so, and each worker's how busy its
// processor is (gauge.go), as the rows of Java workers do. By these the planner (weigh.go) keeps what workers read within a tenth of the mean,
// as far as that goes:
//
//   - Counts come first, and what is idle or wanted for them moves at once. But of the idle ones whoever would carry more than a tenth above the
//     mean gets fewer, and no lease is asked for where what the two workers read would become more uneven by it. So what was moved for
//     weight is not moved back for count. A worker has half of an even share of the leases at least, and half as many more at most, whatever
//     they weigh: beyond that counts alone decide. Where no row tells of traffic, they do everywhere.
//   - Then, with nothing idle, in a handoff or new to its holder, leases move for weight: from the worker that reads most to the one that reads
//     least, if one of them is beyond the tenth, and if the move brings them nearer to one another by more than a tenth of the mean;
//     one lease for each receiver, of a hundredth of the mean at least, or a twentieth where the one that gives it is within the tenth. Below
//     1 KiB a second for each worker nothing does.
//   - A processor that is busier than the mean by ten percent of a processor, or than its row allows, loses a lease: the heaviest within six tenths
//     of what is too much, or else the lightest. No lease goes, for count or for weight, to a processor which it would make busier than the
//     mean by more than five percent; a worker whose row does not tell is taken for one that can bear anything. While any lease has moved
//     lately there are no such moves, since a processor shows late what it has to do.
//   - A receiver asks when each look at the whole table has shown for three failover times that a lease should come to it. A lease that has
//     changed hands, or was asked for in vain, does not move for weight for twelve failover times, and for an hour (at the default) not
//     to where it came from. No look at the table is made for the sake of weights.
//
// A lease that carries more than a share by itself stays where it is: its holder gives up others.
//
// # Large tables
//
// A table of 500 rows or more, with five workers of this package or more, is not read whole by everybody. It is cut into 64 parts; each has two
// watchers, those live workers that draw the best lots for it (read.go); in a fleet of a hundred three in ten watch none. A watcher reads its parts
// every fifth of F. What it finds idle there it takes, up to its share, or writes in the name of the worker to which the lease's key gives it by
// lot, among those below their shares: nobody else may be looking. All leases of a dead worker are dealt at once, those of other parts in thought
// only, so that the watchers' deals fit together. The whole is read by a worker that has just started, has something to take or to ask for, or has
// less than its share, or has come to have more or has something to offer; when workers have come or gone, after a pause by lot and once more when
// their leases have moved; and every three failover times, or more rarely the more workers there are. So the fleet reads the table three to four
// times in a fifth of F, however many workers it has. Leases that are born at the end of a shard are looked at by the worker that ended it.
//
// So a worker may not know for a while that somebody came or died, and that its share is another one now; and deals that were made from looks at
// different times may not fit. Who has come to have too much looks at the whole, and offers it (offers.go): when another worker has lacked a lease,
// and got none, in each look since before its row changed, the holder makes the handoff write in that one's name, for one lease at a time to each.
// (Several holders may do so at once.) Who does not keep a lease that it was offered is offered nothing for an hour (at the default).
//
// # Handoffs
//
// The asker's row is read, consistently, before Work is told to stop and again before the lease is given away. If the row is gone, says
// that the worker stops, or has fallen behind by two of its periods since it was first seen, the handoff is refused. How far it has moved
// is compared, not what it says: a worker whose clock is wrong is refused once.
//
// # With a Java leader
//
// A row Leader whose version keeps changing means that a Java worker leads, and balances. Then nothing is asked for and nothing is written in
// another worker's name; by what the rows tell, the leader deals. What is unowned, or what another owner let expire, is taken still, up to the
// share. A lease whose trust has lapsed here is not taken back while the row names this worker, and is not adopted while its counter may be one
// that this worker wrote: the leader may have found it silent, and its assignment, whose condition says nothing about the counter, may be on its
// way. The leader's own write moves the counter, and then the lease is adopted. A version that stands still for as long as the row says that it
// lasts is a dead leader's, and the row is deleted under that version. What was read is good for a failover time: a new leader finds nobody silent
// in less. A worker that cannot read the row for longer behaves as if there was one.
//
// # Shards
//
// Missing says which leases a first synchronisation creates. Everything after that comes into being when a parent ends: Held.End
// creates the children at TRIM_HORIZON, then writes SHARD_END. Where a child cannot be created, it goes on trying until the lease has to be
// given up; a child's row that cannot be read is there. A child is not read before all parents' leases are at SHARD_END or
// absent (Held.AwaitParents). A lease at Latest carries StartAt, so that "latest" stays where it was; where leases are left of which none does,
// it was long ago, and what has no lease is read from its beginning.
//
// One worker of the fleet, drawn by lot, sets the leases against what the service lists once a minute (audit.go, census.go). A listing counts
// if it was not taken across a reshard. A lease that two audits in a row find missing, with no lease created in between, is created if
// consistent reads find it missing too, those of its relations first: children are created before their parents' SHARD_END is
// written. It is never created where an ancestor is being read, nor for a closed shard whose descendants' leases cover it, and never at a
// bare LATEST: in doubt records are read once more. A lease at SHARD_END is deleted by the KCL's rules, when no parent has a lease and every
// child has one that has moved on (unless Config.KeepEnded), or when the shard has expired. One that says of an open shard that it has ended,
// since it stands at its SHARD_END or names it as a parent, is of a stream that was deleted, while one of the same name was made: it is deleted
// after two audits, whoever holds it, since it would wait for a parent that is none; if there is such a shard in the new stream, it is read
// from its beginning. A holder that learns it from the service deletes such a lease itself, and those at SHARD_END of what comes before it
// now (Held.Discard). Deletes demand the counter. Rows of Java workers that have been dead for a day go too.
//
// # What the tests show
//
// The marks are those of the review in which this protocol was modelled; each names a way in which an earlier one broke.
//
//	H1   a busy holder learns of a handoff from its own writes      TestABusyHolderLearnsOfAHandoffFromItsCheckpoints
//	H2   a slow handler is bounded by its holder; a stuck one keeps
//	     the lease                                                  TestASlowHandlerIsCancelledThenItsCheckpointWrittenThenTheLeaseHandedOver,
//	                                                                TestAHandoffIsRefusedWhileTheHandlerDoesNotReturn
//	H3   nothing is handed to a worker that is gone                 TestAHandoffToAWorkerThatIsGoneIsRefusedBeforeWorkStops,
//	                                                                TestAnAskerThatDiesWhileTheHandlerFinishesGetsNothing,
//	                                                                TestAnAskerThatStopsWithdraws
//	H4   a holder or asker that dies costs a failover time          TestTheLeasesOfADeadWorkerAreTakenWithinTheFailoverTimeAndALittle
//	H5   what has ended is not asked for                            TestALeaseThatHasEndedIsNotAskedFor
//	H6   a lease in a handoff counts where it goes                  TestThePlannersScripts/handoffs.txt
//	C1   a take ends a handoff                                      TestATakeEndsAHandoffThatBeganMeanwhile
//	C2   a lost reply costs no lease                                TestALostReplyCostsNoLease, TestAnEarlierAttemptThatLandedIsNotMistakenForALoss
//	C3   a late completion does nothing                             TestALateCompletionDoesNotEndALaterHandoff
//	C4   a lone worker takes its own expired lease                  TestALoneWorkerTakesItsOwnExpiredLease
//	C5   an adoption is a write                                     TestAnAdoptionThatComesTooLateIsRefused
//	C6   what names a worker is found                               TestALostReplyToATakeOrAnAskIsMadeGoodAtOnce
//	J1   under a Java leader a lapse is final                       TestUnderAJavaLeaderALapseIsFinalUntilTheLeaderHasWritten,
//	                                                                TestWhileAJavaWorkerLeadsNothingIsAskedFor
//	J2   a worker says first that it stops, and deletes its row last   TestAWorkerSaysThatItStopsBeforeItGivesAnythingAwayAndDeletesItsRowLast
//	J3   concerns liveness by session, which is not used
//	J4   a dead leader's lock is deleted                            TestTheLockOfADeadLeaderIsDeletedWhenItHasStoodStillForLongEnough
//	J5   other rules than those of 3.5 are refused, at any time     dynamo: TestEveryOtherStateOfTheJavaWorkersIsRefused,
//	                                                                TestAnUnfinishedMoveToASingleTableIsRefused; TestAWorkerStopsWhenTheTableMustNotBeUsedAnyMore
//	J6   a worker's row is as Java writes its own                   dynamo: TestAWorkersRowIsWrittenInTheLayoutOfTheKCL
//	L1   AT_TIMESTAMP is written where the user chose a time        TestHoles, TestMissingRowsAreCompleteAndStandWhereTheStreamStarts
//	L2   LATEST stays where it was                                  TestPinStartKeepsTheFirstTime; consumer: TestLatestLosesNothingWhenIteratorsExpire
//	R8   a lease that is missing for certain is created             TestHoles, TestAMissingLeaseIsCreatedWhenTwoAuditsHaveFoundItMissing,
//	                                                                TestAFirstSynchronisationThatIsUnderWayIsNoHole
//
// # Goroutines
//
//	Run's caller          the loop of attendTable, then shutDown; it alone touches the watch and the plan
//	read the table        one at a time, and one more for each part in a large table; ends with the scan
//	audit the leases      one, where there are listings; works on the fleet's behalf when it is this worker's turn
//	keep this worker's row   one, until the worker stops: its row, the leader's, and whether the table may still be used
//	keeper of <lease>     one for each holding; renews, minds the handoff, gives the lease up
//	renew leases          eight, and up to 48 where calls take long: make the keepers' renewals, up to 25 in a call; until Run ends
//	work on <lease>       one for each holding; Config.Work
//	take, adopt, ask, …   one for each store call of a burst; Run's caller waits for them
//
// Calls to the store are bounded in number (64 at once) and time (a fifth of F each, and half of it for the whole of the table). Locks guard a few assignments and are never held
// across a call; what has to be held across one (the right to write a row) is a channel. The first lock to be taken is the
// coordinator's or a holding's, never both.
//
// # Files, in reading order
//
// lease.go and worker.go (the rows), store.go (what keeps them), write.go (every conditional write), memory.go (a store in this process),
// coordinate.go (the worker), calls.go (its calls to the store), present.go (its own row, and Java's), gauge.go and processor.go (how busy its
// processor is), observe.go (who is silent), read.go (how much of the table is read, and when), balance.go (the plan) and weigh.go (what weights
// change about it), take.go (how a lease is got), offers.go (how it is given to those that do not ask), held.go and state.go (a lease in hand),
// keep.go and renew.go (how it stays so), hands.go (who makes the renewals), traffic.go (what is read of its shard), fence.go (how a write is made
// and its outcome settled), handoff.go and callers.go (what another worker's wish leads to), end.go, release.go, heirs.go and bequests.go (how it
// is given away), sync.go (a stream's first leases), audit.go and census.go (what is missing, and what nobody needs any more), config.go, hooks.go,
// errors.go.
package leases
