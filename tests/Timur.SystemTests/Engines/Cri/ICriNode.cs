using Grpc.Core;
using Xunit;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>A machine with containerd on it, as a kubelet sees it.</summary>
internal interface ICriNode
{
    /// <summary>Kubernetes' interface to its containerd.</summary>
    RuntimeService.RuntimeServiceClient Client { get; }

    /// <summary>A name that no other pod has.</summary>
    string NewName();

    /// <summary>Makes the directory for a pod's logs, as a kubelet does; its path on the node.</summary>
    string MakeLogs(string pod);

    /// <summary>The lines of a file of the node's.</summary>
    string[] ReadLines(string path);

    /// <summary>Waits until containerd answers: after its start that is a moment before it has found the pods of its former life.</summary>
    void AwaitAnswer()
    {
        RpcException? refusal = null;
        SpinWait.SpinUntil(() => (refusal = Asked()) is null, 120_000);
        Assert.Null(refusal);
    }

    private RpcException? Asked()
    {
        try
        {
            Client.Status(new StatusRequest());
            return null;
        }
        catch (RpcException e)
        {
            return e;
        }
    }
}
