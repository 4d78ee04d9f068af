extension Definitions {
    static let corePods = """
        package core.v1

        kind Pod : Containers that run together on one node and share an address.
        2 spec PodSpec ={} : What should run.
        3 status PodStatus ={} : What was last seen of it; written by the kubelet.

        type PodTemplateSpec : The pods that a controller makes.
        1 metadata meta.v1.ObjectMeta ={} : Labels and annotations of the pods.
        2 spec PodSpec ={} : What the pods run.

        type PodSpec : What a pod runs, and how.
        1 volumes []Volume key=name : Directories that the containers may mount.
        20 initContainers []Container key=name : Run one after the other, each to its end, before the containers start.
        2 containers []Container required key=name : The programs that make the pod. At least one.
        34 ephemeralContainers []EphemeralContainer key=name : Added to a running pod to look into it.
        3 restartPolicy string =Always in=Always|OnFailure|Never : Whether a container that ends is started again.
        4 terminationGracePeriodSeconds int64? =30 range=0.. : Seconds between the stop signal and the kill.
        5 activeDeadlineSeconds int64? range=1..2147483647 : Seconds after which a pod that still runs is failed.
        6 dnsPolicy string =ClusterFirst in=ClusterFirst|ClusterFirstWithHostNet|Default|None : Who answers the containers' name lookups.
        7 nodeSelector map string : Labels that the node must have.
        8 serviceAccountName string : The account the pod acts as.
        9 serviceAccount string : The former name of serviceAccountName.
        21 automountServiceAccountToken bool? : Whether the account's token is mounted.
        10 nodeName string name=subdomain : The node the pod is bound to. The scheduler sets it.
        11 hostNetwork bool : Use the node's network.
        12 hostPID bool : See the node's processes.
        13 hostIPC bool : Share the node's System V and POSIX message queues and memory.
        27 shareProcessNamespace bool? : Let all containers see one another's processes.
        14 securityContext PodSecurityContext? ={} : Users, groups and limits of all containers.
        15 imagePullSecrets []LocalObjectReference key=name : Secrets for private registries.
        16 hostname string name=label : The pod's host name; its own name if empty.
        17 subdomain string name=label : With it the full host name is HOSTNAME.SUBDOMAIN.NAMESPACE.svc.
        18 affinity Affinity? : Which nodes and neighbours are wanted.
        19 schedulerName string =default-scheduler : Who chooses the node.
        22 tolerations []Toleration : Taints that the pod accepts.
        23 hostAliases []HostAlias key=ip : Lines added to /etc/hosts.
        24 priorityClassName string : The name of the pod's importance.
        25 priority int32? : The pod's importance as a number.
        31 preemptionPolicy string? in=Never|PreemptLowerPriority : Whether less important pods may be stopped for this one.
        26 dnsConfig PodDNSConfig? : Name servers and search domains.
        28 readinessGates []PodReadinessGate : More conditions that must be True before the pod is ready.
        29 runtimeClassName string? : Which runtime runs the pod.
        30 enableServiceLinks bool? : Put the addresses of services into the environment.
        32 overhead map quantity : What the sandbox itself needs.
        33 topologySpreadConstraints []TopologySpreadConstraint key=topologyKey keys=topologyKey,whenUnsatisfiable : How the pods spread over nodes.
        35 setHostnameAsFQDN bool? : Use the full domain name as host name.
        36 os PodOS? : The operating system the pod needs.
        37 hostUsers bool? : Whether the node's user IDs are used.
        38 schedulingGates []PodSchedulingGate key=name : The pod is not scheduled while there is one.
        39 resourceClaims []any
        40 resources ResourceRequirements? : What all containers need together.

        type PodOS : An operating system.
        1 name string required in=linux|windows

        type PodSchedulingGate : A reason to wait with scheduling.
        1 name string required

        type PodReadinessGate : A condition that must be True.
        1 conditionType string required

        type Container : A program that runs in the pod.
        1 name string required name=label : Unique in the pod.
        2 image string : What to run.
        3 command []string : Replaces the image's entry point. No shell is involved.
        4 args []string : Replaces the image's arguments.
        5 workingDir string : Where the program starts; the image's choice if empty.
        6 ports []ContainerPort key=containerPort keys=containerPort,protocol : Ports that the program listens on.
        19 envFrom []EnvFromSource : Whole ConfigMaps and Secrets as environment.
        7 env []EnvVar key=name : Environment variables.
        8 resources ResourceRequirements ={} : What the container needs and may use at most.
        23 resizePolicy []ContainerResizePolicy : Whether a change of resources needs a restart.
        24 restartPolicy string? : Always, for an init container that goes on beside the others.
        9 volumeMounts []VolumeMount key=mountPath : Where the pod's volumes appear.
        21 volumeDevices []VolumeDevice key=devicePath : Block devices.
        10 livenessProbe Probe? : The container is restarted when this fails.
        11 readinessProbe Probe? : Services send no traffic while this fails.
        22 startupProbe Probe? : The other probes wait until this succeeds.
        12 lifecycle Lifecycle? : What to do after the start and before the stop.
        13 terminationMessagePath string =/dev/termination-log : A file whose text is shown when the container ends.
        20 terminationMessagePolicy string =File in=FallbackToLogsOnError|File : Whether the end of the log is shown instead of an empty file.
        14 imagePullPolicy string in=Always|IfNotPresent|Never : When the image is fetched.
        15 securityContext SecurityContext? : Users, groups and rights of this container.
        16 stdin bool : Keep standard input open.
        17 stdinOnce bool : Close standard input after the first client has left.
        18 tty bool : Give the program a terminal.

        type EphemeralContainer : A container for looking into a running pod.
        1 * Container
        2 targetContainerName string : The container whose processes it sees.

        type ContainerResizePolicy : What a change of one resource needs.
        1 resourceName string required
        2 restartPolicy string required in=NotRequired|RestartContainer

        type ContainerPort : A port that a container listens on.
        1 name string : A name that services may use instead of the number.
        2 hostPort int32 range=0..65535 : The same port on the node.
        3 containerPort int32 required range=1..65535 : The port on the pod's address.
        4 protocol string =TCP in=SCTP|TCP|UDP : TCP if not given.
        5 hostIP string : The node's address to bind hostPort to.

        type EnvVar : One environment variable.
        1 name string required : The variable's name.
        2 value string : Its text; $(NAME) stands for a variable set before.
        3 valueFrom EnvVarSource? : Where the text comes from instead.

        type EnvVarSource : Where a variable's text comes from. Exactly one.
        1 fieldRef ObjectFieldSelector? : A field of the pod.
        2 resourceFieldRef ResourceFieldSelector? : A resource of a container.
        3 configMapKeyRef ConfigMapKeySelector? : A key of a ConfigMap.
        4 secretKeyRef SecretKeySelector? : A key of a Secret.

        type EnvFromSource : All keys of a ConfigMap or a Secret as variables.
        1 prefix string : Put before each name.
        2 configMapRef ConfigMapEnvSource?
        3 secretRef SecretEnvSource?

        type ConfigMapEnvSource : A ConfigMap.
        1 * LocalObjectReference
        2 optional bool? : Go on without it.

        type SecretEnvSource : A Secret.
        1 * LocalObjectReference
        2 optional bool? : Go on without it.

        type ConfigMapKeySelector : A key of a ConfigMap.
        1 * LocalObjectReference
        2 key string required
        3 optional bool? : Go on without it.

        type SecretKeySelector : A key of a Secret.
        1 * LocalObjectReference
        2 key string required
        3 optional bool? : Go on without it.

        type ObjectFieldSelector : A field of the pod.
        1 apiVersion string =v1
        2 fieldPath string required : metadata.name, status.podIP and the like.

        type ResourceFieldSelector : A resource of a container.
        1 containerName string
        2 resource string required : limits.cpu, requests.memory and the like.
        3 divisor quantity =0

        type LocalObjectReference : An object in the same namespace.
        1 name string

        type ResourceRequirements : What a container needs and may use.
        1 limits map quantity : At most this much.
        2 requests map quantity : At least this much is set aside.
        3 claims []any

        type Probe : A check that runs again and again.
        1 * ProbeHandler
        2 initialDelaySeconds int32 range=0.. : Seconds before the first check.
        3 timeoutSeconds int32 =1 range=0.. : Seconds that one check may take.
        4 periodSeconds int32 =10 range=0.. : Seconds between checks.
        5 successThreshold int32 =1 range=0.. : Successes in a row that turn the verdict.
        6 failureThreshold int32 =3 range=0.. : Failures in a row that turn the verdict.
        7 terminationGracePeriodSeconds int64? range=1.. : The grace period of a stop that this probe causes.

        type ProbeHandler : How to check. Exactly one.
        1 exec ExecAction? : A command in the container; 0 is success.
        2 httpGet HTTPGetAction? : An HTTP request; 200 to 399 is success.
        3 tcpSocket TCPSocketAction? : A connection.
        4 grpc GRPCAction? : The gRPC health service.

        type ExecAction : A command in the container.
        1 command []string

        type HTTPGetAction : An HTTP request.
        1 path string =/
        2 port intOrString required : Number or name of a port.
        3 host string : The pod's address if empty.
        4 scheme string =HTTP in=HTTP|HTTPS
        5 httpHeaders []HTTPHeader

        type HTTPHeader : A header to send.
        1 name string required
        2 value string keep

        type TCPSocketAction : A connection to a port.
        1 port intOrString required
        2 host string

        type GRPCAction : A gRPC health check.
        1 port int32 required range=1..65535
        2 service string? =""

        type Lifecycle : What to do at the turns of a container's life.
        1 postStart LifecycleHandler? : Right after the start.
        2 preStop LifecycleHandler? : Before the stop signal.
        3 stopSignal string? : The signal that asks the program to stop.

        type LifecycleHandler : What to do. Exactly one.
        1 exec ExecAction?
        2 httpGet HTTPGetAction?
        3 tcpSocket TCPSocketAction?
        4 sleep SleepAction?

        type SleepAction : A pause.
        1 seconds int64 keep range=0..

        type SecurityContext : Users, groups and rights of a container.
        1 capabilities Capabilities?
        2 privileged bool?
        3 seLinuxOptions SELinuxOptions?
        4 runAsUser int64? range=0..2147483647 : The user ID the program runs as.
        5 runAsNonRoot bool? : Refuse to start as root.
        6 readOnlyRootFilesystem bool?
        7 allowPrivilegeEscalation bool?
        8 runAsGroup int64? range=0..2147483647
        9 procMount string?
        10 windowsOptions any?
        11 seccompProfile SeccompProfile?
        12 appArmorProfile AppArmorProfile?

        type PodSecurityContext : Users, groups and limits of all the pod's containers.
        1 seLinuxOptions SELinuxOptions?
        2 runAsUser int64? range=0..2147483647
        3 runAsNonRoot bool?
        4 supplementalGroups []int64
        5 fsGroup int64? range=0..2147483647 : The group that owns the volumes.
        6 runAsGroup int64? range=0..2147483647
        7 sysctls []Sysctl
        8 windowsOptions any?
        9 fsGroupChangePolicy string? in=Always|OnRootMismatch
        10 seccompProfile SeccompProfile?
        11 appArmorProfile AppArmorProfile?
        12 supplementalGroupsPolicy string?
        13 seLinuxChangePolicy string?

        type Capabilities : Linux capabilities.
        1 add []string
        2 drop []string

        type SELinuxOptions : SELinux labels.
        1 user string
        2 role string
        3 type string
        4 level string

        type SeccompProfile : Which system calls are allowed.
        1 type string required in=Localhost|RuntimeDefault|Unconfined
        2 localhostProfile string?

        type AppArmorProfile : An AppArmor profile.
        1 type string required in=Localhost|RuntimeDefault|Unconfined
        2 localhostProfile string?

        type Sysctl : A kernel setting.
        1 name string required
        2 value string keep

        type Affinity : Which nodes and neighbours are wanted.
        1 nodeAffinity NodeAffinity?
        2 podAffinity PodAffinity?
        3 podAntiAffinity PodAffinity?

        type NodeAffinity : Which nodes are wanted.
        1 requiredDuringSchedulingIgnoredDuringExecution NodeSelector? : Only such nodes.
        2 preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm : Rather such nodes.

        type NodeSelector : Nodes that fit one of the terms.
        1 nodeSelectorTerms []NodeSelectorTerm required

        type NodeSelectorTerm : Nodes that fit all of the requirements.
        1 matchExpressions []NodeSelectorRequirement : On labels.
        2 matchFields []NodeSelectorRequirement : On metadata.name.

        type NodeSelectorRequirement : A key, an operator and values.
        1 key string required
        2 operator string required in=DoesNotExist|Exists|Gt|In|Lt|NotIn
        3 values []string

        type PreferredSchedulingTerm : Nodes that are rather wanted.
        1 weight int32 required range=1..100
        2 preference NodeSelectorTerm required

        type PodAffinity : Near to, or far from, which pods.
        1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm
        2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm

        type PodAffinityTerm : Pods, and what counts as near.
        1 labelSelector meta.v1.LabelSelector?
        2 namespaces []string
        3 topologyKey string required
        4 namespaceSelector meta.v1.LabelSelector?
        5 matchLabelKeys []string
        6 mismatchLabelKeys []string

        type WeightedPodAffinityTerm : A wish of some weight.
        1 weight int32 required range=1..100
        2 podAffinityTerm PodAffinityTerm required

        type Toleration : A taint that the pod accepts.
        1 key string : Any taint if empty.
        2 operator string in=Equal|Exists : Equal if not given.
        3 value string
        4 effect string in=NoExecute|NoSchedule|PreferNoSchedule : Any effect if empty.
        5 tolerationSeconds int64? : How long a NoExecute taint is accepted.

        type TopologySpreadConstraint : How evenly pods spread.
        1 maxSkew int32 required range=1..
        2 topologyKey string required
        3 whenUnsatisfiable string required in=DoNotSchedule|ScheduleAnyway
        4 labelSelector meta.v1.LabelSelector?
        5 minDomains int32?
        6 nodeAffinityPolicy string?
        7 nodeTaintsPolicy string?
        8 matchLabelKeys []string

        type HostAlias : Names of an address, for /etc/hosts.
        1 ip string required
        2 hostnames []string

        type PodDNSConfig : Name servers and search domains.
        1 nameservers []string
        2 searches []string
        3 options []PodDNSConfigOption

        type PodDNSConfigOption : An option of /etc/resolv.conf.
        1 name string
        2 value string?

        type PodStatus : What was last seen of a pod.
        1 phase string =Pending in=Failed|Pending|Running|Succeeded|Unknown : Where the pod is in its life.
        2 conditions []PodCondition key=type : Whether it is scheduled, initialised, ready.
        3 message string
        4 reason string
        11 nominatedNodeName string
        5 hostIP string
        16 hostIPs []HostIP
        6 podIP string : The pod's address.
        12 podIPs []PodIP key=ip
        7 startTime time
        10 initContainerStatuses []ContainerStatus
        8 containerStatuses []ContainerStatus
        13 ephemeralContainerStatuses []ContainerStatus
        9 qosClass string : Guaranteed, Burstable or BestEffort.
        14 resize string
        15 resourceClaimStatuses []any
        17 observedGeneration int64

        type HostIP : An address of the node.
        1 ip string

        type PodIP : An address of the pod.
        1 ip string

        type PodCondition : One aspect of a pod's state.
        1 type string keep
        2 status string keep
        3 lastProbeTime time
        4 lastTransitionTime time
        5 reason string
        6 message string
        7 observedGeneration int64

        type ContainerStatus : What was last seen of a container.
        1 name string keep
        2 state ContainerState
        3 lastState ContainerState
        4 ready bool keep
        5 restartCount int32 keep
        6 image string keep
        7 imageID string keep
        8 containerID string
        9 started bool?
        10 allocatedResources map quantity
        11 resources ResourceRequirements?
        12 volumeMounts []any
        13 user any?
        14 allocatedResourcesStatus []any
        15 stopSignal string?

        type ContainerState : Waiting, running, or terminated.
        1 waiting ContainerStateWaiting?
        2 running ContainerStateRunning?
        3 terminated ContainerStateTerminated?

        type ContainerStateWaiting : Not started yet, and why.
        1 reason string
        2 message string

        type ContainerStateRunning : Running since when.
        1 startedAt time

        type ContainerStateTerminated : How it ended.
        1 exitCode int32 keep
        2 signal int32
        3 reason string
        4 message string
        5 startedAt time
        6 finishedAt time
        7 containerID string

        kind Binding : Binds a pod to a node.
        2 target ObjectReference required

        type ObjectReference : An object.
        1 kind string
        2 namespace string
        3 name string
        4 uid string
        5 apiVersion string
        6 resourceVersion string
        7 fieldPath string
        """
}
