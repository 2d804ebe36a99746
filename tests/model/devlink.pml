/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One devlink instance, locked as in net/devlink/lock.c and net/devlink/netlink.c.
 *
 * TASKS tasks run.  Each performs one operation of the set OPS.  SPIN tries every choice and every
 * interleaving.
 *
 * The instance has one object with everything that an object can have: callbacks, an ops lock,
 * reports, a netdev, and state of three kinds.  "core" is core state that a late change writes: two
 * fields that belong together.  "drv" is state of the driver that callbacks write and getters read.
 * "leaf" is state that a leaf lock protects.  Each is a version number.  A second list entry is
 * added and removed with the object: readers must find both or none.
 *
 * FORM says whether a get request for the object requires calling the driver, and whether the
 * object has parallel ops.  With ANY, each object that is added may have another form.  With
 * BOUND 0, the driver is not bound at the start, and a task probes.
 *
 * Properties, also deadlock (invalid end state), lockdep (a cycle) and unlock (a task ends with a
 * lock held):
 *   existence	no object is used before it is added or after it is removed, no driver after unbind
 *   exclusion	callbacks under one ops lock are serialized, also callbacks without parallel ops
 *   whole	no reader sees a part of a command, of probe, or of a change in a wait section
 *   order	no reply is older than a notification that was sent before it
 *   last	the last notification has the final state
 *   bounded	shared commands block on full ones only, objs requests also on late changes
 *   rounds	a command goes from objs to shared to exclusive or full, unless objects are replaced
 *   killed	no reload starts in a task that was killed
 */
mtype = { existence, exclusion, whole, order, last, bounded, rounds, killed };
c_decl {
	static const char *lock_names[] = {
		"device_lock", "lock", "ops_rwsem", "objs_rwsem", "ops_lock", "rtnl", "driver_lock",
		"leaf_lock", "work"
	};
}
#define DEVICE		0	/* device_lock */
#define LOCK		1	/* the instance lock */
#define OPS_RWSEM	2
#define OBJS_RWSEM	3
#define OPS_LOCK	4
#define RTNL		5
#define DRIVER		6	/* a lock of the driver */
#define LEAF		7	/* a leaf lock */
#define WORK_MAP	8	/* no lock: the lockdep map of the work */
#define LOCKS		9
#define LOCALS
#include "locks.pml"

/* Operations, bits of OPS. */
#define ADD_REMOVE	1	/* devl_lock() of the driver: adds or removes the object */
#define RELOAD		2	/* with a wait section inside a driver lock */
#define UNBIND		4	/* unregisters, then flushes the work, if there is one */
#define PROBE		8
#define TRYLOCK		16	/* devl_trylock(), with no lock held */
#define FLASH		32	/* exclusive, calls the driver but not the object */
#define STATE_SET	64	/* full, calls the object, which has no reports */
#define RECOVER		128	/* full, or shared if the object has parallel ops */
#define SET		256	/* exclusive or shared, with a late change */
#define GET		512	/* objs, shared or exclusive */
#define DUMP		1024	/* exclusive with ops lock: ports, some have parallel ops */
#define REPORT		2048	/* devlink_health_report(), reporter with parallel ops */
#define NETDEV		4096	/* netdev event: calls getters with RTNL only */
#define CHOICE		(OPS & 8191)
#define WORK		8192	/* work of the driver that calls devl_lock() */
#define WORK_TRYLOCK	16384	/* calls devl_trylock(), may be flushed in full mode */

#define OBJS		0	/* modes, in the order in which a command tries them */
#define SHARED		1
#define EXCL		2
#define FULL		3

#define ANY		4	/* FORM: bit 0 needs_driver, bit 1 parallel */
#if FORM == ANY
bool needs_driver, parallel;
#define form_set()	if :: true :: needs_driver = true fi; if :: true :: parallel = true fi
#define form_clear()	d_step { needs_driver = false; parallel = false }
#else
#define needs_driver	(FORM & 1)
#define parallel	(FORM & 2)
#define form_set()	skip
#define form_clear()	skip
#endif

bool bound = BOUND, registered = BOUND, probed = BOUND, exists = BOUND, netdev = BOUND;
bool reports = BOUND;
bool in_callback, in_serial, waiting, work_done = true;
byte listed = 2 * BOUND, users, flashes, reporting, fulls, lates, replaced;
byte core0 = 1, core1 = 1, drv = 1, leaf = 1;		/* state: versions */
byte noted_core = 1, noted_drv = 1, noted_leaf = 1;	/* as the last notification shows them */

inline use() { d_step { assert(existence && exists); users++ } }
inline driver_locks() {
	if
	:: skip
	:: skip; mutex_lock(RTNL); mutex_lock(DRIVER); mutex_unlock(DRIVER); mutex_unlock(RTNL)
	:: skip; mutex_lock(DRIVER); mutex_unlock(DRIVER)
	fi
}
/* @serial: the callback has no parallel ops. */
inline callback_begin(serial) {
	use();
	d_step {
		assert(exclusion && !in_callback && !(serial && in_serial));
		in_callback = true;
		when(serial, in_serial = true)
	};
	driver_locks()
}
#define callback_end(serial, step) \
	d_step { step; in_callback = false; when(serial, in_serial = false); users-- }

/* Messages are filled from the driver (vd), the core (vc), then the leaf, with its lock held. */
#define leaf_lock()	mutex_lock(LEAF)
#define leaf_unlock()	mutex_unlock(LEAF)
inline notify() {
	leaf_lock();
	d_step { noted_core = vc; noted_drv = vd; noted_leaf = leaf; vc = 0; vd = 0 };
	leaf_unlock()
}
inline reply() {
	d_step {
		assert(order && vc >= noted_core && (mode == OBJS || vd >= noted_drv) &&
		       vl >= noted_leaf);
		vc = 0; vd = 0; vl = 0
	}
}

/* Full mode */
#define devl_lock() \
	fulls++; mutex_lock(LOCK); \
	rule(FULL_LOCK_ORDER, rule(FULL_OPS_RWSEM, down_write(OPS_RWSEM);) \
	     rule(FULL_OBJS_RWSEM, down_write(OBJS_RWSEM))) \
	broken(FULL_LOCK_ORDER, down_write(OBJS_RWSEM); down_write(OPS_RWSEM))
#define devl_unlock() \
	rule(FULL_OBJS_RWSEM, up_write(OBJS_RWSEM);) rule(FULL_OPS_RWSEM, up_write(OPS_RWSEM);) \
	mutex_unlock(LOCK); fulls--
#define devl_wait_begin()	waiting = true; rule(FULL_OBJS_RWSEM, up_write(OBJS_RWSEM))
#define devl_wait_end() \
	rule(FULL_OBJS_RWSEM, rule(WAIT_NO_DEPENDENCY, devl_down_write(OBJS_RWSEM);) \
	     broken(WAIT_NO_DEPENDENCY, down_write(OBJS_RWSEM);)) \
	waiting = false
#define trylock_write(sem) \
	rule(TRYLOCK_NO_DEPENDENCY, devl_down_write(sem)) \
	broken(TRYLOCK_NO_DEPENDENCY, down_write(sem))

inline remove_objects() {
	broken(REPORTS_END_UNLOCKED, mutex_lock(RTNL);)
	rule(REPORTS_END, reports = false; reporting == 0;)	/* the driver ends its reports */
	broken(REPORTS_END_UNLOCKED, mutex_unlock(RTNL);)
	mutex_lock(RTNL); netdev = false; mutex_unlock(RTNL);
	d_step { assert(whole && !waiting); listed-- };
	d_step {
		listed--; assert(existence && users == 0); exists = false;
		core0++; core1++; vc = core0; vd = drv
	};
	notify();
	form_clear()
}
inline add_objects() {
	d_step { assert(whole && !waiting); exists = true; listed++ };
	form_set();
	d_step { listed++; core0++; core1++; replaced++; vc = core0; vd = drv };
	notify();
	mutex_lock(RTNL); netdev = true; mutex_unlock(RTNL);
	reports = true
}
inline change_objects() {
	if
	:: registered && exists -> remove_objects()
	:: registered && !exists -> add_objects()
	:: else
	fi
}
inline reload() {
	assert(killed && !signal);
	when(exists, remove_objects());
	mutex_lock(DRIVER); devl_wait_begin();
	broken(WAIT_LISTS, listed++;)
	skip;							/* the firmware restarts */
	broken(WAIT_LISTS, listed--;)
	devl_wait_end(); mutex_unlock(DRIVER);
	add_objects()
}
/* Drivers register before or after they add objects. */
inline probe() {
	bound = true;
	broken(REGISTER_FULL, registered = true;)
	devl_lock();
	if :: registered = true :: skip fi;
	broken(WAIT_NOT_IN_PROBE, devl_wait_begin(); devl_wait_end();)
	add_objects();
	d_step { registered = true; probed = true };
	devl_unlock()
}
inline unbind() {
	devl_lock();
	registered = false; probed = false; when(exists, remove_objects());
	devl_unlock();
	flush(work_done);
	d_step { assert(existence && flashes == 0); bound = false }
}
inline trylock() {
	when(mutex_trylock(LOCK), fulls++;
	     rule(FULL_OPS_RWSEM, trylock_write(OPS_RWSEM);)
	     rule(FULL_OBJS_RWSEM, trylock_write(OBJS_RWSEM);)
	     change_objects(); devl_unlock())
}

/* devl_lock_mode_killable(), devl_unlock_mode() */
inline lock_mode() {
	if
	:: mode == FULL -> fulls++;
		mutex_lock_killable(LOCK);
		when(!err, skip; rule(FULL_OPS_RWSEM,
			rule(FULL_LOCK_ORDER, down_write_killable(OPS_RWSEM);)
			broken(FULL_LOCK_ORDER, down_write_killable(OBJS_RWSEM);)
			when(err, mutex_unlock(LOCK))));
		when(!err, skip; rule(FULL_OBJS_RWSEM,
			rule(FULL_LOCK_ORDER, down_write_killable(OBJS_RWSEM);)
			broken(FULL_LOCK_ORDER, down_write_killable(OPS_RWSEM);)
			when(err,
			     rule(FULL_OPS_RWSEM,
				  rule(KILLED_UNLOCKS_OPS_RWSEM, up_write(OPS_RWSEM);))
			     mutex_unlock(LOCK))));
		when(err, fulls--)
	:: mode == EXCL -> rule(EXCL_LOCK, mutex_lock_killable(LOCK));
		broken(EXCL_NOT_OPS_RWSEM, down_write(OPS_RWSEM))
	:: mode == SHARED -> assert(bounded && (can_read(OPS_RWSEM) || fulls));
		rule(SHARED_OPS_RWSEM, down_read_killable(OPS_RWSEM))
	:: mode == OBJS -> assert(bounded && (can_read(OBJS_RWSEM) || fulls || lates));
		rule(OBJS_OBJS_RWSEM, down_read_killable(OBJS_RWSEM))
	fi
}
inline unlock_mode() {
	if
	:: mode == FULL -> devl_unlock()
	:: mode == EXCL -> broken(EXCL_NOT_OPS_RWSEM, up_write(OPS_RWSEM);)
		rule(EXCL_LOCK, mutex_unlock(LOCK))
	:: mode == SHARED -> rule(SHARED_OPS_RWSEM, up_read(OPS_RWSEM))
	:: mode == OBJS -> when(holds(OBJS_RWSEM), up_read(OBJS_RWSEM))
	fi
}

#define ops_lock	(exists && parallel)
#define base()		(op == GET -> OBJS : (op == RECOVER -> FULL : EXCL))
/* devlink_nl_lock_mode() */
inline next_mode() {
	if
	:: mode == OBJS && exists && needs_driver broken(OBJS_NOT_DRIVER, && false) ->
		next = SHARED
	:: mode == SHARED && !ops_lock broken(SHARED_PARALLEL, && !exists) ->
		next = (op == GET -> EXCL : base())
	:: mode == FULL && op == RECOVER && ops_lock broken(FULL_NOT_PARALLEL, && false) ->
		next = SHARED; assert(rounds && replaced != round0)
	:: broken(MODE_MONOTONE, mode == EXCL && ops_lock -> next = SHARED ::) else -> next = mode
	fi
}
/* devlink_nl_lock(): sets err if the command is not executed. */
inline nl_lock() {
	if
	:: op == GET -> mode = OBJS
	:: op == SET || op == RECOVER -> mode = SHARED
	:: op == FLASH || op == DUMP -> mode = EXCL
	:: op == STATE_SET || op == RELOAD -> mode = FULL
	fi;
	do
	:: lock_mode();
		if
		:: err -> break
		:: !err && !registered broken(RECHECK_REGISTERED, && false) ->
			err = true; unlock_mode(); break
		:: else
		fi;
		assert(whole && (probed || !registered));
		d_step {
			if
			:: op == GET || op == SET || op == RECOVER -> next_mode()
			:: else -> next = mode
			fi;
			round0 = replaced;
			assert(rounds && (next >= mode || mode == FULL))
		};
		if :: next == mode -> break :: else -> unlock_mode(); mode = next fi
	od;
	atomic { next = 0; round0 = 0 };
	if
	:: !err && ops_lock && (mode == SHARED broken(OPS_LOCK_SHARED, && false) ||
	   mode == EXCL && op != FLASH broken(OPS_LOCK_EXCL, && false)) ->
		mutex_lock_killable(OPS_LOCK);
		when(err, skip; rule(KILLED_UNLOCKS_MODE, unlock_mode()))
	:: else
	fi
}
inline nl_unlock() { when(holds(OPS_LOCK), mutex_unlock(OPS_LOCK)); unlock_mode() }

inline late_change() {
	lates++;
	rule(LATE_CHANGE_OBJS_RWSEM,
	     rule(LATE_CHANGE_NOT_KILLABLE, devl_down_write(OBJS_RWSEM);)
	     broken(LATE_CHANGE_NOT_KILLABLE, down_write_killable(OBJS_RWSEM);))
	when(!err,
	     core0++; core1++; vc = core0;
	     rule(LATE_CHANGE_OBJS_RWSEM, up_write(OBJS_RWSEM)));
	lates--
}
inline set() {
	callback_begin(!holds(OPS_LOCK)); callback_end(!holds(OPS_LOCK), drv++); vd = drv;
	broken(NO_FLUSH_IN_CALLBACK, when(mode == SHARED, flush(work_done));)
	broken(NO_DEVL_LOCK_IN_CALLBACK, when(mode == SHARED, devl_lock(); devl_unlock());)
	broken(OPS_LOCK_UNTIL_LATE_CHANGE, when(holds(OPS_LOCK), mutex_unlock(OPS_LOCK));)
	late_change();
	broken(OPS_LOCK_UNTIL_NOTIFIED, when(holds(OPS_LOCK), mutex_unlock(OPS_LOCK));)
	when(!err, notify())
}
inline get() {
	d_step { n = listed; assert(whole && (n == 0 || n == 2)) };
	when(n > 0,
		if
		:: mode != OBJS broken(OBJS_NOT_DRIVER, || needs_driver) ->
			callback_begin(!holds(OPS_LOCK));
			callback_end(!holds(OPS_LOCK), vd = drv);
			use()
		:: else -> use()
		fi;
		vc = core0; assert(whole && vc == core1);
		leaf_lock(); vl = leaf;
		broken(OBJS_RWSEM_UNTIL_REPLY,
		       leaf_unlock(); when(mode == OBJS, up_read(OBJS_RWSEM));)
		broken(LEAF_LOCK_UNTIL_REPLY, leaf_unlock();)
		reply();
		rule(OBJS_RWSEM_UNTIL_REPLY, rule(LEAF_LOCK_UNTIL_REPLY, leaf_unlock();)) users--);
	d_step { assert(whole && listed == n); n = 0 }
}
inline command() {
	when(op == RELOAD,
		if			/* device_lock() is not killable. */
		:: mutex_lock(DEVICE)
		:: can_kill && locked[DEVICE] ->
			d_step { can_kill = false; signal = true };
			mutex_lock(DEVICE)
		fi);
	if
	:: signal broken(RECHECK_KILLED, && false) -> err = true
	:: else -> nl_lock()
	fi;
	if
	:: err
	:: else ->
		if
		:: op == FLASH ->
			d_step {
				assert(existence && bound); assert(exclusion && !in_serial);
				in_serial = true; flashes++
			};
			driver_locks();
			d_step { flashes--; in_serial = false }
		:: op == STATE_SET -> when(exists, callback_begin(true); callback_end(true, skip))
		:: op == RECOVER -> when(exists,
			callback_begin(!holds(OPS_LOCK)); callback_end(!holds(OPS_LOCK), skip))
		:: op == SET -> when(exists, set())
		:: op == GET || op == DUMP -> get()
		:: op == RELOAD -> broken(FULL_NO_OPS_LOCK, mutex_lock(OPS_LOCK);) reload()
		fi;
		nl_unlock()
	fi;
	when(op == RELOAD, mutex_unlock(DEVICE))
}

inline report() {
	when(atomic { reports && parallel -> reporting++ },
		broken(REPORT_NO_LOCK, devl_lock();)
		rule(OPS_LOCK_REPORT, mutex_lock(OPS_LOCK);)
		callback_begin(false); callback_end(false, skip);
		leaf_lock(); d_step { leaf++; noted_leaf = leaf }; leaf_unlock();
		rule(OPS_LOCK_REPORT, mutex_unlock(OPS_LOCK);)
		broken(REPORT_NO_LOCK, devl_unlock();)
		reporting--)
}
/* An exception: its notification is not counted.  The getters are called without the ops lock. */
inline netdev_event() {
	mutex_lock(RTNL);
	broken(NO_LOCK_AROUND_DEVL_LOCK, devl_lock(); devl_unlock();)
	when(netdev,
		use();
		broken(NETDEV_NO_OPS_LOCK, mutex_lock(OPS_LOCK);)
		mutex_lock(DRIVER); vd = drv; mutex_unlock(DRIVER);
		d_step { broken(EXCEPT_NETDEV_EVENT, noted_drv = vd;) vd = 0; users-- };
		broken(NETDEV_NO_OPS_LOCK, mutex_unlock(OPS_LOCK)));
	mutex_unlock(RTNL)
}

proctype task(int op)
{
	int held;
	byte mode, next, round0, n, vc, vd, vl;
	bool err, signal;

	if
	:: op & (ADD_REMOVE | WORK) ->
		when(op == WORK, hold(WORK_MAP));
		devl_lock();
		when(op == ADD_REMOVE && OPS & WORK_TRYLOCK, flush(work_done));
		change_objects();
		devl_unlock();
		when(op == WORK, drop(WORK_MAP); work_done = true)
	:: op == UNBIND -> mutex_lock(DEVICE); when(bound, unbind()); mutex_unlock(DEVICE)
	:: op == PROBE -> mutex_lock(DEVICE); when(!bound, probe()); mutex_unlock(DEVICE)
	:: op & (TRYLOCK | WORK_TRYLOCK) ->
		when(op == WORK_TRYLOCK, hold(WORK_MAP));
		trylock();
		when(op == WORK_TRYLOCK, drop(WORK_MAP); work_done = true)
	:: op & (RELOAD | FLASH | STATE_SET | RECOVER | SET | GET | DUMP) -> command()
	:: op == REPORT -> report()
	:: op == NETDEV -> netdev_event()
	fi;
	assert(held == 0)
}

init {
	byte i;
	int op = OPS & (WORK | WORK_TRYLOCK);

	atomic {
		when(BOUND, form_set());
		when(!BOUND, run task(PROBE));
		when(op, work_done = false; run task(op));
		op = 1;
		do
		:: i < TASKS ->		/* tasks are alike, ascending order is enough */
			do :: op << 1 <= CHOICE -> op = op << 1 :: op & OPS -> break od;
			run task(op); i++
		:: else -> break
		od
	}
	_nr_pr == 1;
	assert(last && noted_core == core0 && noted_drv == drv && noted_leaf == leaf)
}
