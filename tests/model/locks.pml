/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mutexes, rw_semaphores and lockdep, for devlink.pml and nested.pml.
 *
 * locked[i]: a task holds lock i, for writing if it is a rw_semaphore.  readers[i] counts the
 * readers, writers[i] the tasks that wait to write.  A waiting writer blocks new readers.  The
 * kernel sometimes lets a reader pass.  That is the run in which the writer arrives later.
 *
 * lockdep: each blocking acquisition adds a dependency on every lock that the task holds.  The
 * graph is not part of the state.  It grows during the search and is checked for cycles at the end.
 * Trylocks and devl_down_write() add no dependency.
 *
 * KILL: at most one task of a run is killed, while it is blocked in a killable wait.
 *
 * rule(NAME, x) is x, or nothing in the mutant that breaks the rule NAME.  broken(NAME, x) is the
 * reverse.
 */
#define rule(name, ...)		rule__(name, __VA_ARGS__)
#define rule__(value, ...)	rule_##value(__VA_ARGS__)
#define rule_0(...)
#define rule_1(...)		__VA_ARGS__
#define broken(name, ...)	broken__(name, __VA_ARGS__)
#define broken__(value, ...)	broken_##value(__VA_ARGS__)
#define broken_0(...)		__VA_ARGS__
#define broken_1(...)
#define when(cond, ...)		if :: cond -> __VA_ARGS__ :: else fi

bool locked[LOCKS];
byte readers[LOCKS], writers[LOCKS];
bool can_kill = KILL;

#define can_lock(i)	(!locked[i] && readers[i] == 0)
#define can_read(i)	(!locked[i] && writers[i] == 0)
#define depend(i)	c_code { LOCALS lockdep_add(Ptask->held, i); }
#define hold(i)		held = held | (1 << i)
#define drop(i)		assert(held & (1 << i)); held = held & ~(1 << i)
#define holds(i)	(held & (1 << i))

#define mutex_lock(i)	d_step { !locked[i] -> locked[i] = true; depend(i); hold(i) }
#define mutex_trylock(i) atomic { can_lock(i) -> locked[i] = true; hold(i) }
#define mutex_unlock(i)	d_step { drop(i); locked[i] = false }
#define down_read(i)	d_step { can_read(i) -> readers[i]++; depend(i); hold(i) }
#define down_read_trylock(i) atomic { can_read(i) -> readers[i]++; hold(i) }
#define up_read(i)	d_step { drop(i); readers[i]-- }
#define up_write(i)	mutex_unlock(i)
#define down_write(i) \
	writers[i]++; d_step { can_lock(i) -> writers[i]--; locked[i] = true; depend(i); hold(i) }
#define devl_down_write(i) \
	writers[i]++; d_step { can_lock(i) -> writers[i]--; locked[i] = true; hold(i) }
#define flush(done)	d_step { done -> depend(WORK_MAP) }

/* The killable forms set err if the task is killed. */
#if KILL
#define kill(cond)	d_step { can_kill && !(cond) -> can_kill = false; err = true }
#define mutex_lock_killable(i)	if :: mutex_lock(i) :: kill(!locked[i]) fi
#define down_read_killable(i)	if :: down_read(i) :: kill(can_read(i)) fi
#define down_write_killable(i)	writers[i]++; if \
	:: d_step { can_lock(i) -> writers[i]--; locked[i] = true; depend(i); hold(i) } \
	:: d_step { can_kill && !can_lock(i) -> can_kill = false; err = true; writers[i]-- } fi
#else
#define mutex_lock_killable(i)	mutex_lock(i)
#define down_read_killable(i)	down_read(i)
#define down_write_killable(i)	down_write(i)
#endif

c_decl {
	/* after[a][b]: b was acquired with a held */
	static unsigned char after[LOCKS][LOCKS];
	static int lockdep_runs;

	static void lockdep_report(void)
	{
		int a, b, c;

		for (b = 0; b < LOCKS; b++)
			for (a = 0; a < LOCKS; a++)
				for (c = 0; c < LOCKS; c++)
					after[a][c] |= after[a][b] && after[b][c];
		for (a = 0; a < LOCKS; a++)
			for (b = a + 1; b < LOCKS; b++)
				if (after[a][b] && after[b][a])
					printf("lockdep: cycle %s %s\n",
					       lock_names[a], lock_names[b]);
	}

	static void lockdep_add(int held, int b)
	{
		int a;

		if (!lockdep_runs++)
			atexit(lockdep_report);
		for (a = 0; a < LOCKS; a++)
			if (held & (1 << a))
				after[a][b] = 1;
	}
}
