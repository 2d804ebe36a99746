/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nested instances (C, and D with CHILDREN 2) and the topmost instance (T), which has the rate
 * objects of all, locked as in net/devlink/core.c and net/devlink/rate.c.
 *
 * TASKS tasks run.  Each performs one operation of the set OPS.  Two works run also.  One removes
 * C.  In configuration FLUSH, a full section of T waits for it, like a reload of mlx5 that removes
 * its subfunctions.  The other work notifies that the nesting changed.  In configuration RATES, C
 * has rate objects at the start.  In configuration REFUSE, the driver refuses rate commands.  PORT
 * is the mode of get requests for the port of T that C is nested in.
 *
 * Rate commands lock both instances, T by a trylock.  If T is busy, they wait for it with C
 * unlocked, and start over.
 *
 * Properties, also deadlock, lockdep and unlock: existence, whole, order and last as in
 * devlink.pml, and livelock, a run without progress of any rate command (weak fairness).
 */
mtype = { existence, whole, order, last };
c_decl {
	static const char *lock_names[] = {
		"C.lock", "C.ops_rwsem", "C.objs_rwsem", "D.lock", "D.ops_rwsem", "D.objs_rwsem",
		"T.lock", "T.ops_rwsem", "T.objs_rwsem", "driver_lock", "restart_lock",
		"fn_ops_lock", "work"
	};
}
#define C		0
#define D		1
#define T		2
#define LOCK(i)		(3 * i)
#define OPS_RWSEM(i)	(3 * i + 1)
#define OBJS_RWSEM(i)	(3 * i + 2)
#define DRIVER		9	/* a lock of the driver, acquired in callbacks and with T locked */
#define RESTART		10	/* of T: held by a rate command that starts over */
#define FN_OPS_LOCK	11	/* of the port of T that C is nested in */
#define WORK_MAP	12	/* no lock: the lockdep map of the work */
#define LOCKS		13
#if CHILDREN == 1
#define child		C
#define LOCALS
#else
#define child		which
#define LOCALS		int which = Ptask->which;	/* for c_code */
#endif
#include "locks.pml"

/* Operations, bits of OPS. */
#define RATE_SET	1	/* rate new, set, del: exclusive on both, late change of T */
#define RATE_GET	2	/* objs: reads the list in T */
#define ADD_REMOVE	4	/* the driver adds or removes rate objects: full, T exclusive */
#define CHILD_GET	8	/* objs */
#define TOP_FULL	16	/* reload of T, waits for the removal of C with FLUSH */
#define TOP_FLASH	32	/* exclusive */
#define TOP_SET		64	/* shared: the port of T, notifies */
#define TOP_GET		128	/* the port of T, shows the instance that is nested in it */
#define CHOICE		OPS
#define REMOVE		256	/* work: removes C */
#define NOTIFY		512	/* work: notifies the change of the nesting */

#define OBJS		0	/* PORT */
#define SHARED		1
#define EXCL		2

bool registered[2] = true, has_rates[2];
bool exists = true, removed, changed;		/* C */
byte users;					/* requests that use objects of C */
byte rate0 = 1, rate1 = 1, noted_rate = 1;	/* the rate objects in the list of T: versions */
byte rel = 1, noted_rel = 1;			/* the nesting of C: version */

inline use() { d_step { assert(existence && (child != C || exists)); when(child == C, users++) } }
#define unuse()		d_step { when(child == C, users--) }
#define devl_lock(i)	mutex_lock(LOCK(i)); down_write(OPS_RWSEM(i)); down_write(OBJS_RWSEM(i))
#define devl_unlock(i)	up_write(OBJS_RWSEM(i)); up_write(OPS_RWSEM(i)); mutex_unlock(LOCK(i))

/* The caller holds the instance lock of T.  Notifies. */
inline change_rates(new) {
	rule(RATES_LATE_CHANGE, devl_down_write(OBJS_RWSEM(T));)
	rate0++; d_step { rate1++; has_rates[child] = new; noted_rate = rate0 };
	rule(RATES_LATE_CHANGE, up_write(OBJS_RWSEM(T)))
}
inline rates_excl(new) { mutex_lock(LOCK(T)); change_rates(new); mutex_unlock(LOCK(T)) }

/* Locks both instances and sets got, or sets again if another task holds the lock of T. */
inline lock_both() {
	mutex_lock_killable(LOCK(child));
	when(!err,
		if
		:: registered[child] ->
			rule(TOPMOST_TRYLOCK, if
			:: mutex_trylock(LOCK(T)) -> got = true
			:: else -> again = true
			fi)
			broken(TOPMOST_TRYLOCK, mutex_lock_killable(LOCK(T)); got = !err)
		:: else
		fi;
		when(!got, mutex_unlock(LOCK(child))))
}
inline rate_set() {
	lock_both();
	rule(RESTART_LOCK, when(again, mutex_lock_killable(RESTART));)	/* no other lock is held */
	do
	:: again && !err -> again = false;
		mutex_lock_killable(LOCK(T));
		when(!err, mutex_unlock(LOCK(T)); lock_both())
	:: else -> break
	od;
	when(holds(RESTART) broken(KILLED_UNLOCKS_RESTART, && !err), mutex_unlock(RESTART));
	when(got,
progress:	use(); mutex_lock(DRIVER); mutex_unlock(DRIVER); unuse();	/* callback */
		when(!REFUSE, if :: change_rates(true) :: change_rates(false) fi);
		mutex_unlock(LOCK(T)); mutex_unlock(LOCK(child)); got = false);
	again = false
}
/* As lock_both(), with objs_rwsem of both held for reading. */
inline read_both() {
	down_read_killable(OBJS_RWSEM(child));
	when(!err,
		if
		:: registered[child] &&
		   (has_rates[child] broken(NO_RATES_NO_TOPMOST, || true)) ->
			rule(RATE_GET_TRYLOCK, if
			:: down_read_trylock(OBJS_RWSEM(T)) -> got = true
			:: else -> again = true
			fi)
			broken(RATE_GET_TRYLOCK, down_read_killable(OBJS_RWSEM(T)); got = !err)
		:: else
		fi;
		when(!got, up_read(OBJS_RWSEM(child))))
}
inline rate_get() {
	read_both();
	do
	:: again && !err -> again = false;
		down_read_killable(OBJS_RWSEM(T));
		when(!err, up_read(OBJS_RWSEM(T)); read_both())
	:: else -> break
	od;
	when(got,
		when(has_rates[child],
			use(); v = rate0; assert(whole && v == rate1);
			d_step { assert(order && v >= noted_rate); v = 0 }; unuse());
		up_read(OBJS_RWSEM(T)); up_read(OBJS_RWSEM(child)); got = false);
	again = false
}
inline add_remove() {
	devl_lock(child);
	when(registered[child],
		if
		:: has_rates[child] -> rates_excl(false)
		:: !has_rates[child] && RATES -> rates_excl(true)
		:: else
		fi);
	devl_unlock(child)
}
inline child_get() {
	down_read(OBJS_RWSEM(child));
	when(registered[child], use(); unuse());
	up_read(OBJS_RWSEM(child))
}
inline top_full() {
	devl_lock(T); mutex_lock(DRIVER); mutex_unlock(DRIVER);
	when(FLUSH rule(REMOVE_WITHOUT_RATES, && !has_rates[C]), flush(removed));
	devl_unlock(T)
}
/* Notifies with the ops lock held, as shared commands do. */
inline top_set() {
	down_read(OPS_RWSEM(T)); mutex_lock(FN_OPS_LOCK);
	mutex_lock(DRIVER); mutex_unlock(DRIVER);
	v = rel; d_step { noted_rel = v; v = 0 };
	mutex_unlock(FN_OPS_LOCK); up_read(OPS_RWSEM(T))
}
inline top_get() {
	if
	:: PORT == OBJS -> down_read(OBJS_RWSEM(T))
	:: PORT == SHARED -> down_read(OPS_RWSEM(T)); mutex_lock(FN_OPS_LOCK)
	:: PORT == EXCL -> mutex_lock(LOCK(T))
	fi;
	v = rel;
	d_step { assert(order && v >= noted_rel); v = 0 };
	if
	:: PORT == OBJS -> up_read(OBJS_RWSEM(T))
	:: PORT == SHARED -> mutex_unlock(FN_OPS_LOCK); up_read(OPS_RWSEM(T))
	:: PORT == EXCL -> mutex_unlock(LOCK(T))
	fi
}

/* The driver removes C.  devl_unregister() changes the nesting without a lock of T. */
inline remove_work() {
	hold(WORK_MAP);
	devl_lock(C);
	rule(REMOVE_WITHOUT_RATES, do
	:: FLUSH && has_rates[C] -> devl_unlock(C);
end_removal:	!has_rates[C]; devl_lock(C)
	:: else -> break
	od; skip;)
	d_step { registered[C] = false; rel++; changed = true };
	rule(NO_RATES_NO_TOPMOST, when(has_rates[C], rates_excl(false)))
	broken(NO_RATES_NO_TOPMOST, rates_excl(false));
	d_step { assert(existence && users == 0); exists = false };
	devl_unlock(C);
	drop(WORK_MAP);
	removed = true
}
/* devlink_rel_nested_in_notify_work(): if T is locked, it runs again later. */
inline notify_work() {
	skip;
end_notify: changed;
	do
	:: mutex_trylock(LOCK(T)) -> break
	:: else -> !locked[LOCK(T)]
	od;
	/* Wait for readers that have the old relation. */
	rule(NESTED_NOTIFY_LATE_CHANGE, devl_down_write(OBJS_RWSEM(T)); up_write(OBJS_RWSEM(T));)
	rule(NESTED_NOTIFY_OPS_LOCK, when(PORT == SHARED, mutex_lock(FN_OPS_LOCK));)
	v = rel; d_step { noted_rel = v; v = 0 };
	when(holds(FN_OPS_LOCK), mutex_unlock(FN_OPS_LOCK));
	mutex_unlock(LOCK(T))
}

proctype task(int op; byte which)
{
	int held;
	bool got, again, err;
	byte v;

	if
	:: op == RATE_SET -> rate_set()
	:: op == RATE_GET -> rate_get()
	:: op == ADD_REMOVE -> add_remove()
	:: op == CHILD_GET -> child_get()
	:: op == TOP_FULL -> top_full()
	:: op == TOP_FLASH ->
		mutex_lock(LOCK(T)); mutex_lock(DRIVER); mutex_unlock(DRIVER); mutex_unlock(LOCK(T))
	:: op == TOP_SET -> top_set()
	:: op == TOP_GET -> top_get()
	:: op == REMOVE -> remove_work()
	:: op == NOTIFY -> notify_work()
	fi;
	assert(held == 0)
}

init {
	byte i;
	int op = 1;

	atomic {
		has_rates[C] = RATES;
		run task(REMOVE, C); run task(NOTIFY, C);
		do
		:: i < TASKS ->		/* tasks are alike, ascending order is enough */
			do :: op << 1 <= CHOICE -> op = op << 1 :: op & OPS -> break od;
			if
			:: run task(op, C)
			:: CHILDREN == 2 && op < TOP_FULL -> run task(op, D)
			fi;
			i++
		:: else -> break
		od
	}
end:	_nr_pr == 1;
	assert(last && noted_rate == rate0 && noted_rel == rel)
}
