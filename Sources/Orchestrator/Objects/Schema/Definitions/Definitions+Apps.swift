extension Definitions {
    static let apps = """
        package apps.v1

        kind Deployment : Keeps a number of pods running and changes them step by step.
        2 spec DeploymentSpec ={}
        3 status DeploymentStatus ={}

        type DeploymentSpec : How many pods of which kind, and how they are changed.
        1 replicas int32? =1 range=0.. : How many pods.
        2 selector meta.v1.LabelSelector? immutable : Which pods are its own. Must fit the template's labels.
        3 template core.v1.PodTemplateSpec ={} : The pods to make.
        4 strategy DeploymentStrategy ={} retainKeys : How old pods give way to new ones.
        5 minReadySeconds int32 range=0.. : How long a pod must be ready to count as available.
        6 revisionHistoryLimit int32? =10 range=0.. : How many old ReplicaSets are kept for a rollback.
        7 paused bool : Change nothing for now.
        9 progressDeadlineSeconds int32? =600 range=0.. : When a rollout that stands still is reported as failed.

        type DeploymentStrategy : How old pods give way to new ones.
        1 type string =RollingUpdate in=Recreate|RollingUpdate
        2 rollingUpdate RollingUpdateDeployment?

        type RollingUpdateDeployment : How far a rollout may stray from the wanted number.
        1 maxUnavailable intOrString? =25% : How many pods may be missing, as a number or per cent.
        2 maxSurge intOrString? =25% : How many pods may be too many, as a number or per cent.

        type DeploymentStatus : How far the rollout is.
        1 observedGeneration int64
        2 replicas int32
        3 updatedReplicas int32
        7 readyReplicas int32
        4 availableReplicas int32
        5 unavailableReplicas int32
        9 terminatingReplicas int32?
        6 conditions []DeploymentCondition key=type
        8 collisionCount int32?

        type DeploymentCondition : One aspect of its state.
        1 type string keep
        2 status string keep
        6 lastUpdateTime time
        7 lastTransitionTime time
        4 reason string
        5 message string

        kind ReplicaSet : Keeps a number of pods running.
        2 spec ReplicaSetSpec ={}
        3 status ReplicaSetStatus ={}

        type ReplicaSetSpec : How many pods of which kind.
        1 replicas int32? =1 range=0..
        4 minReadySeconds int32 range=0..
        2 selector meta.v1.LabelSelector? immutable
        3 template core.v1.PodTemplateSpec ={}

        type ReplicaSetStatus : How many there are.
        1 replicas int32 keep
        2 fullyLabeledReplicas int32
        4 readyReplicas int32
        5 availableReplicas int32
        7 terminatingReplicas int32?
        3 observedGeneration int64
        6 conditions []ReplicaSetCondition key=type

        type ReplicaSetCondition : One aspect of its state.
        1 type string keep
        2 status string keep
        3 lastTransitionTime time
        4 reason string
        5 message string

        kind DaemonSet : Keeps one pod running on each node that fits.
        2 spec DaemonSetSpec ={}
        3 status DaemonSetStatus ={}

        type DaemonSetSpec : Which pod, and how it is changed.
        1 selector meta.v1.LabelSelector? immutable
        2 template core.v1.PodTemplateSpec ={}
        3 updateStrategy DaemonSetUpdateStrategy ={}
        4 minReadySeconds int32 range=0..
        6 revisionHistoryLimit int32? =10 range=0..

        type DaemonSetUpdateStrategy : How old pods give way to new ones.
        1 type string =RollingUpdate in=OnDelete|RollingUpdate
        2 rollingUpdate RollingUpdateDaemonSet?

        type RollingUpdateDaemonSet : How far a rollout may go at once.
        1 maxUnavailable intOrString? =1
        2 maxSurge intOrString? =0

        type DaemonSetStatus : How many there are.
        1 currentNumberScheduled int32 keep
        2 numberMisscheduled int32 keep
        3 desiredNumberScheduled int32 keep
        4 numberReady int32 keep
        5 observedGeneration int64
        6 updatedNumberScheduled int32
        7 numberAvailable int32
        8 numberUnavailable int32
        9 collisionCount int32?
        10 conditions []ReplicaSetCondition key=type

        kind StatefulSet : Keeps numbered pods, each with its own name and storage.
        2 spec StatefulSetSpec ={}
        3 status StatefulSetStatus ={}

        type StatefulSetSpec : How many pods of which kind, and in which order.
        1 replicas int32? =1 range=0..
        2 selector meta.v1.LabelSelector? immutable
        3 template core.v1.PodTemplateSpec ={}
        4 volumeClaimTemplates []any
        5 serviceName string keep
        6 podManagementPolicy string =OrderedReady in=OrderedReady|Parallel
        7 updateStrategy StatefulSetUpdateStrategy ={}
        8 revisionHistoryLimit int32? =10 range=0..
        9 minReadySeconds int32 range=0..
        10 persistentVolumeClaimRetentionPolicy StatefulSetPersistentVolumeClaimRetentionPolicy? ={}
        11 ordinals StatefulSetOrdinals?

        type StatefulSetUpdateStrategy : How old pods give way to new ones.
        1 type string =RollingUpdate in=OnDelete|RollingUpdate
        2 rollingUpdate RollingUpdateStatefulSetStrategy?

        type RollingUpdateStatefulSetStrategy : Which pods change.
        1 partition int32? =0 range=0..
        2 maxUnavailable intOrString?

        type StatefulSetPersistentVolumeClaimRetentionPolicy : What becomes of the claims.
        1 whenDeleted string =Retain in=Delete|Retain
        2 whenScaled string =Retain in=Delete|Retain

        type StatefulSetOrdinals : The first number.
        1 start int32 keep range=0..

        type StatefulSetStatus : How many there are.
        1 observedGeneration int64
        2 replicas int32 keep
        3 readyReplicas int32
        4 currentReplicas int32
        5 updatedReplicas int32
        6 currentRevision string
        7 updateRevision string
        9 collisionCount int32?
        10 conditions []ReplicaSetCondition key=type
        11 availableReplicas int32 keep
        """
}
