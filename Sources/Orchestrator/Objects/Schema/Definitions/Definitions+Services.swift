extension Definitions {
    static let coreServices = """
        package core.v1

        kind Service : One address for a set of pods.
        2 spec ServiceSpec ={}
        3 status ServiceStatus ={}

        type ServiceSpec : Which pods are meant, and how they are reached.
        1 ports []ServicePort key=port keys=port,protocol : The service's ports.
        2 selector map string : Labels of the pods. Without it the endpoints are kept by hand.
        3 clusterIP string : The service's own address; None for a name only.
        18 clusterIPs []string
        4 type string =ClusterIP in=ClusterIP|ExternalName|LoadBalancer|NodePort : Who can reach the service.
        5 externalIPs []string : More addresses of nodes that lead here.
        7 sessionAffinity string =None in=ClientIP|None : Whether a client keeps its pod.
        8 loadBalancerIP string
        9 loadBalancerSourceRanges []string
        10 externalName string : The name that an ExternalName service stands for.
        11 externalTrafficPolicy string in=Cluster|Local
        12 healthCheckNodePort int32 range=0..65535
        13 publishNotReadyAddresses bool : Send traffic to pods that are not ready, too.
        14 sessionAffinityConfig SessionAffinityConfig?
        19 ipFamilies []string
        17 ipFamilyPolicy string? in=PreferDualStack|RequireDualStack|SingleStack
        20 allocateLoadBalancerNodePorts bool?
        21 loadBalancerClass string?
        22 internalTrafficPolicy string? in=Cluster|Local
        23 trafficDistribution string?

        type ServicePort : A port of a service.
        1 name string : Needed if there is more than one port.
        2 protocol string =TCP in=SCTP|TCP|UDP
        6 appProtocol string?
        3 port int32 required range=1..65535 : The port on the service's address.
        4 targetPort intOrString : The port on the pods, by number or name.
        5 nodePort int32 range=0..65535 : The port on every node.

        type SessionAffinityConfig : How a client keeps its pod.
        1 clientIP ClientIPConfig?

        type ClientIPConfig : For how long.
        1 timeoutSeconds int32? range=1..86400

        type ServiceStatus : What was last seen of the service.
        1 loadBalancer LoadBalancerStatus ={}
        2 conditions []meta.v1.Condition key=type

        type LoadBalancerStatus : Where the load balancer listens.
        1 ingress []LoadBalancerIngress

        type LoadBalancerIngress : One address or name.
        1 ip string
        2 hostname string
        3 ipMode string?
        4 ports []any

        kind Endpoints : The addresses behind a service.
        2 subsets []EndpointSubset

        type EndpointSubset : Addresses that share ports.
        1 addresses []EndpointAddress
        2 notReadyAddresses []EndpointAddress
        3 ports []EndpointPort

        type EndpointAddress : One address.
        1 ip string required
        3 hostname string
        4 nodeName string?
        2 targetRef ObjectReference?

        type EndpointPort : One port.
        1 name string
        2 port int32 required range=1..65535
        3 protocol string =TCP in=SCTP|TCP|UDP
        4 appProtocol string?
        """
}
