extension Definitions {
    static let coreCluster = """
        package core.v1

        kind Node : A machine that runs pods.
        2 spec NodeSpec ={}
        3 status NodeStatus ={}

        type NodeSpec : How the node is to be used.
        1 podCIDR string : Where the node's pods get their addresses.
        7 podCIDRs []string set
        3 providerID string
        4 unschedulable bool : No new pods.
        5 taints []Taint : Keep away pods that do not tolerate these.
        6 configSource any?
        2 externalID string

        type Taint : Keeps away pods that do not tolerate it.
        1 key string required
        2 value string
        3 effect string required in=NoExecute|NoSchedule|PreferNoSchedule
        4 timeAdded time

        type NodeStatus : What was last seen of a node.
        1 capacity map quantity
        2 allocatable map quantity
        3 phase string
        4 conditions []NodeCondition key=type
        5 addresses []NodeAddress key=type
        6 daemonEndpoints NodeDaemonEndpoints ={}
        7 nodeInfo NodeSystemInfo ={}
        8 images []ContainerImage
        9 volumesInUse []string
        10 volumesAttached []any
        11 config any?
        12 runtimeHandlers []any
        13 features any?

        type NodeCondition : One aspect of a node's state.
        1 type string keep
        2 status string keep
        3 lastHeartbeatTime time
        4 lastTransitionTime time
        5 reason string
        6 message string

        type NodeAddress : An address or name of the node.
        1 type string keep
        2 address string keep

        type NodeDaemonEndpoints : Where the node's daemons listen.
        1 kubeletEndpoint DaemonEndpoint

        type DaemonEndpoint : A port.
        1 Port int32 keep

        type NodeSystemInfo : What the node runs.
        1 machineID string keep
        2 systemUUID string keep
        3 bootID string keep
        4 kernelVersion string keep
        5 osImage string keep
        6 containerRuntimeVersion string keep
        7 kubeletVersion string keep
        8 kubeProxyVersion string keep
        9 operatingSystem string keep
        10 architecture string keep
        11 swap any?

        type ContainerImage : An image that the node has.
        1 names []string
        2 sizeBytes int64

        kind Namespace : A room for names.
        2 spec NamespaceSpec ={}
        3 status NamespaceStatus ={}

        type NamespaceSpec : What must happen before the namespace goes.
        1 finalizers []string

        type NamespaceStatus : Whether the namespace is in use or going.
        1 phase string =Active in=Active|Terminating
        2 conditions []NamespaceCondition key=type

        type NamespaceCondition : One aspect of a namespace's state.
        1 type string keep
        2 status string keep
        4 lastTransitionTime time
        5 reason string
        6 message string

        kind Event : Something that happened to an object.
        2 involvedObject ObjectReference ={} : The object it happened to.
        3 reason string : One word for programs.
        4 message string : A sentence for people.
        5 source EventSource ={} : Who saw it.
        6 firstTimestamp time
        7 lastTimestamp time
        8 count int32 : How often it happened.
        9 type string : Normal or Warning.
        10 eventTime microTime
        11 series EventSeries?
        12 action string
        13 related ObjectReference?
        14 reportingComponent string keep
        15 reportingInstance string keep

        type EventSource : Who saw an event.
        1 component string
        2 host string

        type EventSeries : An event that goes on.
        1 count int32
        2 lastObservedTime microTime

        kind ConfigMap : Settings by name.
        2 data map string : UTF-8 texts.
        3 binaryData map bytes : Other bytes, in base64.
        4 immutable bool? : Refuse changes.

        kind Secret : Settings that not everybody may see.
        2 data map bytes : The values, in base64.
        3 type string =Opaque : What the keys mean to programs.
        4 stringData map string : Plain texts that are written into data; never read back.
        5 immutable bool? : Refuse changes.

        kind ServiceAccount : An identity for programs in pods.
        2 secrets []ObjectReference key=name
        3 imagePullSecrets []LocalObjectReference
        4 automountServiceAccountToken bool?

        kind ReplicationController : Keeps a number of pods running; ReplicaSet is its successor.
        2 spec ReplicationControllerSpec ={}
        3 status ReplicationControllerStatus ={}

        type ReplicationControllerSpec : How many pods of which kind.
        1 replicas int32? =1 range=0..
        2 selector map string
        3 template PodTemplateSpec? required
        4 minReadySeconds int32 range=0..

        type ReplicationControllerStatus : How many there are.
        1 replicas int32 keep
        2 fullyLabeledReplicas int32
        3 observedGeneration int64
        4 readyReplicas int32
        5 availableReplicas int32
        6 conditions []ReplicationControllerCondition key=type

        type ReplicationControllerCondition : One aspect of its state.
        1 type string keep
        2 status string keep
        3 lastTransitionTime time
        4 reason string
        5 message string

        kind ComponentStatus : Whether a part of the control plane is well.
        2 conditions []ComponentCondition key=type

        type ComponentCondition : One aspect of a part's state.
        1 type string keep
        2 status string keep
        3 message string
        4 error string
        """
}
