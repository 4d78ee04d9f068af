extension Definitions {
    static let coreVolumes = """
        package core.v1

        type Volume : A directory that containers may mount.
        1 name string required name=label : Unique in the pod.
        2 * VolumeSource

        type VolumeSource : Where a volume's files come from. Exactly one; an empty directory if none is given.
        1 hostPath HostPathVolumeSource? : A file or directory of the node.
        2 emptyDir EmptyDirVolumeSource? : An empty directory that lives as long as the pod.
        3 gcePersistentDisk any?
        4 awsElasticBlockStore any?
        5 gitRepo any?
        6 secret SecretVolumeSource? : The keys of a Secret as files.
        7 nfs NFSVolumeSource? : A directory of an NFS server.
        8 iscsi any?
        9 glusterfs any?
        10 persistentVolumeClaim PersistentVolumeClaimVolumeSource? : A claim of the namespace.
        11 rbd any?
        12 flexVolume any?
        13 cinder any?
        14 cephfs any?
        15 flocker any?
        16 downwardAPI DownwardAPIVolumeSource? : Fields of the pod as files.
        17 fc any?
        18 azureFile any?
        19 configMap ConfigMapVolumeSource? : The keys of a ConfigMap as files.
        20 vsphereVolume any?
        21 quobyte any?
        22 azureDisk any?
        23 photonPersistentDisk any?
        24 portworxVolume any?
        25 scaleIO any?
        26 projected ProjectedVolumeSource? : Several sources in one directory.
        27 storageos any?
        28 csi any?
        29 ephemeral any?
        30 image ImageVolumeSource? : The files of an image.

        type HostPathVolumeSource : A file or directory of the node.
        1 path string required
        2 type string? ="" in=|BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket

        type EmptyDirVolumeSource : An empty directory that lives as long as the pod.
        1 medium string : Memory for a tmpfs.
        2 sizeLimit quantity?

        type NFSVolumeSource : A directory of an NFS server.
        1 server string required
        2 path string required
        3 readOnly bool

        type PersistentVolumeClaimVolumeSource : A claim of the namespace.
        1 claimName string required
        2 readOnly bool

        type ImageVolumeSource : The files of an image.
        1 reference string
        2 pullPolicy string

        type SecretVolumeSource : The keys of a Secret as files.
        1 secretName string required
        2 items []KeyToPath : Only these keys.
        3 defaultMode int32? =420 range=0..511
        4 optional bool?

        type ConfigMapVolumeSource : The keys of a ConfigMap as files.
        1 * RequiredObjectReference
        2 items []KeyToPath : Only these keys.
        3 defaultMode int32? =420 range=0..511
        4 optional bool?

        type RequiredObjectReference : An object in the same namespace.
        1 name string required

        type KeyToPath : A key, and the file it becomes.
        1 key string required
        2 path string required
        3 mode int32? range=0..511

        type DownwardAPIVolumeSource : Fields of the pod as files.
        1 items []DownwardAPIVolumeFile
        2 defaultMode int32? =420 range=0..511

        type DownwardAPIVolumeFile : A field of the pod as a file.
        1 path string required
        2 fieldRef ObjectFieldSelector?
        3 resourceFieldRef ResourceFieldSelector?
        4 mode int32? range=0..511

        type ProjectedVolumeSource : Several sources in one directory.
        1 sources []VolumeProjection keep
        2 defaultMode int32? =420 range=0..511

        type VolumeProjection : One source. Exactly one.
        1 secret SecretProjection?
        2 downwardAPI DownwardAPIProjection?
        3 configMap ConfigMapProjection?
        4 serviceAccountToken ServiceAccountTokenProjection?
        5 clusterTrustBundle any?

        type SecretProjection : The keys of a Secret.
        1 * LocalObjectReference
        2 items []KeyToPath
        4 optional bool?

        type ConfigMapProjection : The keys of a ConfigMap.
        1 * LocalObjectReference
        2 items []KeyToPath
        4 optional bool?

        type DownwardAPIProjection : Fields of the pod.
        1 items []DownwardAPIVolumeFile

        type ServiceAccountTokenProjection : A token of the pod's account.
        1 audience string
        2 expirationSeconds int64? =3600 range=600..4294967296
        3 path string required

        type VolumeMount : Where a volume appears in a container.
        1 name string required : The volume's name.
        2 readOnly bool
        7 recursiveReadOnly string?
        3 mountPath string required : The directory in the container.
        4 subPath string : Only this part of the volume.
        5 mountPropagation string? in=Bidirectional|HostToContainer|None
        6 subPathExpr string

        type VolumeDevice : A block device in a container.
        1 name string required
        2 devicePath string required
        """
}
