// Tests share one kernel and two cores: limits and leftovers are measured, so they run one after the other.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
