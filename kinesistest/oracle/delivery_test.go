package oracle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/penstock-go/penstock/kinesistest/oracle"
)

func TestEverythingHandledInOrderIsRight(t *testing.T) {
	inWorld(t, func(w *world) {
		w.handle("", w.put("k", "1"), w.put("j", "2"), w.put("k", "3"))
		w.want()
	})
}

func TestARecordThatIsNeverHandledIsLost(t *testing.T) {
	inWorld(t, func(w *world) {
		first, second := w.put("k", "1"), w.put("k", "2")
		w.handle("", first)
		if v := w.want(oracle.Lost)[0]; v.Place != second {
			t.Errorf("lost is %v", v)
		}
		w.handle("", second)
		w.want()
	})
}

func TestWhatAProducerWasToldMustBeStored(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q := w.put("k", "1"), w.put("k", "2")
		w.handle("", p, q)
		w.report.Put = []oracle.Put{{Place: p, Data: oracle.DigestOf("1")}, {Place: q}}
		w.want()
		w.report.Put = append(w.report.Put, oracle.Put{Place: p, SubSequence: 1}, oracle.Put{Place: q, Data: oracle.DigestOf("1")})
		verdicts := w.judge()
		if len(verdicts) != 2 || len(verdicts.Of(oracle.NotStored)) != 2 || verdicts[0].Place != p || verdicts[1].Place != q {
			t.Errorf("got %s", verdicts)
		}
	})
}

func TestAConsumerNeedNotHandleWhatItDoesNotRead(t *testing.T) {
	inWorld(t, func(w *world) {
		old := w.put("k", "old")
		time.Sleep(time.Second)
		w.report.Consumers[0].Since = time.Now()
		fresh := w.put("k", "new")
		if v := w.want(oracle.Lost)[0]; v.Place != fresh {
			t.Errorf("lost is %v", v)
		}
		w.handle("", old, fresh) // it may, though
		w.want()
		w.report.Handled = nil
		w.report.Consumers[0].Streams = []string{"another"}
		w.want()
	})
}

func TestConsumersAreJudgedApart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.report.Consumers = append(w.report.Consumers, oracle.Consumer{Name: "audit"})
		p := w.put("k", "1")
		w.handle("", p)
		verdicts := w.judge()
		if len(verdicts) != 1 || verdicts[0].Consumer != "audit" || verdicts[0].Kind != oracle.Lost {
			t.Errorf("got %s", verdicts)
		}
	})
}

func TestARecordThatIsHandledAgainIsDuplicated(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q := w.put("k", "1"), w.put("k", "2")
		w.handle("", p, q)
		w.want()
		w.handle("", p, q, q) // as from an old checkpoint: no disorder
		verdicts := w.want(oracle.Duplicated, oracle.Duplicated)
		if verdicts[0].Count != 2 || verdicts[1].Count != 3 {
			t.Errorf("got %s", verdicts)
		}
		if rest := verdicts.Except(oracle.Duplicated); len(rest) != 0 {
			t.Errorf("left is %s", rest)
		}
	})
}

func TestARecordThatWasNeverStoredIsUnknown(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.put("k", "1")
		w.handle("", p)
		invented := p
		invented.SequenceNumber += "0"
		w.handle("", invented)
		w.handleSub(p, 1) // it holds one user record, with number 0
		w.want(oracle.Unknown, oracle.Unknown)
	})
}

func TestDataThatIsNotWhatWasStoredIsAltered(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q := w.put("k", "1"), w.put("k", "2")
		w.handle("", p, q)
		w.report.Handled[0].Data = oracle.DigestOf("1")
		w.want()
		w.report.Handled[1].Data = oracle.DigestOf("3")
		if v := w.want(oracle.Altered)[0]; v.Place != q {
			t.Errorf("altered is %v", v)
		}
	})
}

func TestAggregatesAreJudgedByTheirContents(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.put("outer", "aggregate")
		w.report.Contents[p] = []oracle.UserRecord{
			{SubSequence: 0, Key: oracle.DigestOf("j")}, {SubSequence: 1, Key: oracle.DigestOf("k")}, {SubSequence: 2, Key: oracle.DigestOf("k")},
		}
		w.handleSub(p, 1, 0) // of different keys
		if v := w.want(oracle.Lost)[0]; v.SubSequence != 2 {
			t.Errorf("lost is %v", v)
		}
		w.handleSub(p, 2)
		w.want()
		w.report.Handled = nil
		w.handleSub(p, 0, 2, 1)
		if v := w.want(oracle.Reordered)[0]; v.SubSequence != 1 {
			t.Errorf("late is %v", v)
		}
	})
}

func TestAnEmptyRecordNeedNotBeHandled(t *testing.T) {
	inWorld(t, func(w *world) {
		w.report.Contents[w.put("k", "")] = nil
		w.want()
	})
}

func TestRecordsOfAKeyMustBeInOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q, r := w.put("k", "1"), w.put("j", "2"), w.put("k", "3")
		w.handle("", q, p, r) // keys have no order between them
		w.want()
		w.report.Handled = nil
		w.handle("", r, q, p)
		if v := w.want(oracle.Reordered)[0]; v.Place != p {
			t.Errorf("late is %v", v)
		}
	})
}

func TestParentsComeBeforeChildren(t *testing.T) {
	inWorld(t, func(w *world) {
		parent := w.put("k", "1")
		w.split()
		child := w.put("k", "2")
		if child.Shard == parent.Shard {
			t.Fatal("the shard was not split")
		}
		w.handle("", parent, child)
		w.want()
		w.report.Handled = nil
		w.handle("", child, parent)
		if v := w.want(oracle.Reordered)[0]; v.Place != parent {
			t.Errorf("late is %v", v)
		}
	})
}

func TestABoundedHistoryThatForgotIsIncomplete(t *testing.T) {
	log := oracle.NewLog(2)
	for range 2 {
		log.RowWrite(oracle.RowWrite{})
	}
	for range 3 {
		log.Read(oracle.Read{}) // which are not needed for judging
	}
	log.Record(oracle.Record{})
	if v := oracle.Check(log.History(), oracle.Report{}); len(v) != 0 {
		t.Errorf("got %s", v)
	}
	log.RowWrite(oracle.RowWrite{})
	if v := oracle.Check(log.History(), oracle.Report{}); len(v) != 1 || v[0].Kind != oracle.Incomplete || v[0].Count != 1 {
		t.Errorf("got %s", v)
	}
}

func TestVerdictsSayWhatHappenedWithoutKeysOrData(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.put("secret-key", "secret-data")
		text := w.judge().String()
		if !strings.Contains(text, p.SequenceNumber) || !strings.Contains(text, `lost, consumer app`) || strings.Contains(text, "secret") {
			t.Errorf("got %q", text)
		}
	})
}
