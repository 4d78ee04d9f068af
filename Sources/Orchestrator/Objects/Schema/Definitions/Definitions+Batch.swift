extension Definitions {
    static let batch = """
        package batch.v1

        kind Job : Runs pods until enough of them have succeeded.
        2 spec JobSpec ={}
        3 status JobStatus ={}

        type JobSpec : How many successes, and how many pods at a time.
        1 parallelism int32? range=0..
        2 completions int32? range=0.. immutable
        3 activeDeadlineSeconds int64? range=0..
        7 backoffLimit int32? =6 range=0..
        4 selector meta.v1.LabelSelector? immutable
        5 manualSelector bool?
        6 template core.v1.PodTemplateSpec ={}
        8 ttlSecondsAfterFinished int32? range=0..
        9 completionMode string? =NonIndexed in=Indexed|NonIndexed
        10 suspend bool? =false
        11 podFailurePolicy any?
        12 backoffLimitPerIndex int32?
        13 maxFailedIndexes int32?
        14 podReplacementPolicy string? =TerminatingOrFailed in=Failed|TerminatingOrFailed
        15 managedBy string?
        16 successPolicy any?

        type JobStatus : How far it is.
        1 conditions []JobCondition key=type
        2 startTime time
        3 completionTime time
        4 active int32
        5 succeeded int32
        6 failed int32
        7 completedIndexes string
        8 uncountedTerminatedPods any?
        9 ready int32?
        10 failedIndexes string?
        11 terminating int32?

        type JobCondition : One aspect of its state.
        1 type string keep
        2 status string keep
        3 lastProbeTime time
        4 lastTransitionTime time
        5 reason string
        6 message string

        kind CronJob : Starts Jobs by the clock.
        2 spec CronJobSpec ={}
        3 status CronJobStatus ={}

        type CronJobSpec : Which Job, and when.
        1 schedule string required : Five fields: minute, hour, day of month, month, day of week.
        8 timeZone string?
        2 startingDeadlineSeconds int64? range=0..
        3 concurrencyPolicy string =Allow in=Allow|Forbid|Replace
        4 suspend bool? =false
        5 jobTemplate JobTemplateSpec ={}
        6 successfulJobsHistoryLimit int32? =3 range=0..
        7 failedJobsHistoryLimit int32? =1 range=0..

        type JobTemplateSpec : The Jobs to make.
        1 metadata meta.v1.ObjectMeta ={}
        2 spec JobSpec ={}

        type CronJobStatus : What was last started.
        1 active []core.v1.ObjectReference
        4 lastScheduleTime time
        5 lastSuccessfulTime time
        """
}
